/** Dark or light: as the system prefers, or as `?theme=dark|light` in the address says. */

export type Theme = "dark" | "light";

const light = matchMedia("(prefers-color-scheme: light)");

function wanted(): Theme {
  const asked = new URLSearchParams(location.search).get("theme");
  if (asked === "dark" || asked === "light") return asked;
  return light.matches ? "light" : "dark";
}

/** Tell the theme now and at each change. */
export function followTheme(use: (theme: Theme) => void): void {
  const apply = () => {
    const theme = wanted();
    document.documentElement.dataset.theme = theme;
    use(theme);
  };
  light.addEventListener("change", apply);
  apply();
}

const still = matchMedia("(prefers-reduced-motion: reduce)");

/** Whether the person asked for less motion. */
export function wantsStillness(): boolean {
  return still.matches;
}
