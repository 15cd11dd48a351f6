(with-eval-after-load 'dape
  (add-to-list 'dape-configs
               '(asynctb
                 modes (python-mode python-ts-mode)
                 ensure dape-ensure-command
                 command "asynctb"
                 command-args ("adapter")
                 :request "launch"
                 :type "python"
                 :cwd dape-cwd
                 :program dape-buffer-default)))

(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs '((python-mode python-ts-mode) . ("asynctb-language-server"))))
