import { defineConfig } from "vite";

// The bird's-eye view of an examination's report: one script with everything in it, because the report
// is one file. Built after the pages, into the same folder.
export default defineConfig({
  build: {
    outDir: "../src/volant/static/exam",
    emptyOutDir: true,
    target: "es2022",
    lib: { entry: "exam/main.ts", formats: ["es"], fileName: () => "replay.js" },
  },
});
