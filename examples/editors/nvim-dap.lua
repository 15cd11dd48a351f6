require('dap').adapters.python = { type = 'executable', command = 'asynctb', args = { 'adapter' } }
