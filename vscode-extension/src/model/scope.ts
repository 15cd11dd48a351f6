/** Where a setting is set. */

/** The part of VS Code's inspection of a setting that matters. */
export interface Inspected {
  readonly workspaceValue?: unknown;
  readonly workspaceFolderValue?: unknown;
}

/** The innermost place that sets it, which wins; that of the user if none does. */
export function scopeOf(inspected: Inspected | undefined): "user" | "workspace" | "folder" {
  if (inspected?.workspaceFolderValue !== undefined) return "folder";
  return inspected?.workspaceValue !== undefined ? "workspace" : "user";
}
