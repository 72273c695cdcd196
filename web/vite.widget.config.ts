import { defineConfig } from "vite";

// One module without imports: a notebook loads it from a string.
export default defineConfig({
  build: {
    outDir: "../src/latentspace/web/static",
    emptyOutDir: false,
    target: "es2022",
    lib: { entry: "src/widget.ts", formats: ["es"], fileName: () => "widget.js" },
  },
});
