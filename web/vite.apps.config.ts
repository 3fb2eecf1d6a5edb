import { resolve } from "node:path";
import { defineConfig } from "vite";

// Pages that stand alone, each built into a folder of its own: our frame around apps, which the car serves,
// the fleet's console, which the fleet's server serves, and the dashboard, which is an app like anybody else's and becomes part of its package.
const PAGES: Record<string, string> = {
  app: "../src/volant/static/app",
  fleet: "../src/volant/static/fleet",
  dashboard: "../apps/dashboard/page",
};

export default defineConfig(({ mode }) => {
  const outDir = PAGES[mode];
  if (!outDir) throw new Error(`--mode is one of ${Object.keys(PAGES).join(", ")}`);
  return {
    root: mode,
    base: "./",
    build: {
      outDir: resolve(import.meta.dirname, outDir),
      emptyOutDir: true,
      target: "es2022",
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
  };
});
