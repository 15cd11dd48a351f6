;;; Stops at a breakpoint by dape, with eglot for the source, and prints what Emacs knows then.  -*- lexical-binding: t -*-

;; RECIPE is what docs/editors.md says, SOURCE the program. See tests/dap_extension/test_emacs.py.

(require 'dape)
(require 'eglot)
(load (getenv "RECIPE"))

(defun wait-for (what condition)
  "Let Emacs work until CONDITION returns something; return that. WHAT is for the error."
  (let ((latest (+ (float-time) 100)) found)
    (while (not (setq found (funcall condition)))
      (when (> (float-time) latest)
        (error "No %s came; console: %s" what (console)))
      (accept-process-output nil 0.05)
      (sit-for 0))
    found))

(defun console ()
  (with-current-buffer "*dape-repl*"
    (buffer-substring-no-properties (point-min) (point-max))))

(find-file (getenv "SOURCE"))
(call-interactively #'eglot)
(search-forward "# @paused")
(dape-breakpoint-toggle)

(defun diagnostics ()
  (flymake-start)
  (mapcar (lambda (each) (vector (line-number-at-pos (flymake-diagnostic-beg each)) (flymake-diagnostic-text each)))
          (flymake-diagnostics)))

(dape (dape--config-eval 'asynctb nil))
(let* ((connection (wait-for "stop" (lambda () (dape--live-connection 'stopped t))))
       (threads (wait-for "task" (lambda ()
                                   (let ((names (mapcar (lambda (each) (plist-get each :name))
                                                        (dape--threads connection))))
                                     (and (seq-some (lambda (name) (string-match-p "transfer" name)) names) names)))))
       (said (wait-for "finding" (lambda () (let ((text (console))) (and (string-match-p "Deadlock" text) text)))))
       (marked (wait-for "diagnostic" #'diagnostics)))
  (dape-continue connection)
  (wait-for "end of the marks" (lambda () (not (diagnostics))))
  (princ (decode-coding-string
          (json-serialize (list :threads (vconcat threads) :console said :diagnostics (vconcat marked)))
          'utf-8)))
