/** The page of the panel: a frame for its script, which may load nothing but what came with the extension. */

export interface Parts {
  /** From where the editor serves what belongs to the extension. */
  readonly origin: string;
  readonly script: string;
  readonly style: string;
  /** What only the script of this page knows. */
  readonly nonce: string;
}

export function documentOf({ origin, script, style, nonce }: Parts): string {
  const policy = `default-src 'none'; style-src ${origin}; script-src 'nonce-${nonce}'`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${style}">
<title>Async Tasks</title>
</head>
<body>
<script nonce="${nonce}" src="${script}"></script>
</body>
</html>
`;
}
