import preact from "@preact/preset-vite";
import { defineConfig } from "vite";

// Everything is bundled: the page makes no request but to its own server.
export default defineConfig({
  base: "./",
  plugins: [preact()],
  build: { outDir: "../src/latentspace/web/static", emptyOutDir: true, target: "es2022", sourcemap: false },
  server: { proxy: { "/api": "http://127.0.0.1:8765" } },
});
