import { defineConfig } from "vite";
import { compression } from "vite-plugin-compression2";

export default defineConfig({
  // The library's own transform is enough: there is nothing to compile in this code but its types and its markup.
  esbuild: { jsx: "automatic" },
  // The server puts a fresh nonce in the place of this text, into each answer.
  html: { cspNonce: "NONCE-OF-THE-ANSWER" },
  plugins: [compression({ algorithms: ["gzip"], threshold: 1024 })],
  build: {
    target: "es2022",
    // Styles and pictures stay files of their own: the content security policy has no exception for them.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
    rollupOptions: {
      // Marks for frameworks that render on servers; there is none here.
      onwarn: (warning, warn) => {
        if (warning.code !== "MODULE_LEVEL_DIRECTIVE") warn(warning);
      },
    },
  },
  // `npm run dev` beside a hub: ISTHMUS is its address.
  server: { proxy: Object.fromEntries(["/v1", "/session", "/metrics", "/readyz", "/problems", "/openapi.json"].map((path) => [path, process.env.ISTHMUS ?? "http://127.0.0.1:8080"])) },
});
