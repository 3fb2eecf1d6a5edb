import { defineConfig } from "vitest/config";

// Every page of the car is an entry here. The car serves them under an address that holds a token,
// so all references are relative.
export default defineConfig({
  base: "./",
  build: {
    outDir: "../src/volant/static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    rollupOptions: { input: { cluster: "cluster/index.html", drive: "drive/index.html" } },
  },
  test: { include: ["tests/**/*.test.ts"] },
});
