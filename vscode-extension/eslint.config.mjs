import eslint from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist/", "out/", "*.mjs"] },
  eslint.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/explicit-module-boundary-types": "error",
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/consistent-type-imports": "error",
      eqeqeq: "error",
    },
  },
  {
    files: ["src/model/**"],
    rules: {
      // The model is read by several views and tested without an editor.
      "no-restricted-imports": [
        "error",
        { paths: ["vscode"], patterns: ["../view/*", "../session/*", "../commands/*"] },
      ],
    },
  },
  {
    files: ["test/**"],
    rules: {
      // `describe` and `it` of node:test return promises that the runner awaits.
      "@typescript-eslint/no-floating-promises": "off",
    },
  },
);
