vim.lsp.config('asynctb', {
  cmd = { 'asynctb-language-server' },
  filetypes = { 'python' },
  root_markers = { '.git', 'pyproject.toml' },
})
vim.lsp.enable('asynctb')
vim.lsp.inlay_hint.enable(true)

-- :AsynctbShow FILE shows a snapshot file, :AsynctbShow alone nothing any more.
vim.api.nvim_create_user_command('AsynctbShow', function(command)
  for _, client in ipairs(vim.lsp.get_clients({ name = 'asynctb' })) do
    if command.args == '' then
      client:notify('asynctb/resumed', { sessionId = 'file' })
    else
      client:notify('asynctb/paused', { sessionId = 'file', path = vim.fn.fnamemodify(command.args, ':p') })
    end
  end
end, { nargs = '?', complete = 'file' })
