(with-eval-after-load 'dap-mode
  (dap-register-debug-provider
   "asynctb"
   (lambda (configuration) (plist-put configuration :dap-server-path '("asynctb" "adapter"))))
  (dap-register-debug-template
   "asynctb" (list :type "asynctb" :request "launch" :name "asynctb" :program "${file}")))

(with-eval-after-load 'lsp-mode
  (lsp-register-client
   (make-lsp-client :new-connection (lsp-stdio-connection "asynctb-language-server")
                    :activation-fn (lsp-activate-on "python")
                    :add-on? t
                    :server-id 'asynctb)))
