/**
 * The bird's-eye view of an examination's report: the cockpit's own scene, fed from what the report holds.
 * One script that stands in the report's file; it loads nothing. Failed cases come first.
 */
import { Scene } from "../kit/scene/scene";
import { followTheme, type Theme, wantsStillness } from "../kit/theme";
import { bytesOf, type Packed, Projector, unpackFilms } from "./film";

const SPEEDS = [0.25, 0.5, 1, 2, 4];
const STEP_S = 0.2;

function made<K extends keyof HTMLElementTagNameMap>(
  name: K,
  into: HTMLElement,
  given: Partial<HTMLElementTagNameMap[K]> = {},
): HTMLElementTagNameMap[K] {
  const element = Object.assign(document.createElement(name), given);
  into.append(element);
  return element;
}

class Theatre {
  private readonly scene: Scene;
  private readonly choice: HTMLSelectElement;
  private readonly button: HTMLButtonElement;
  private readonly slider: HTMLInputElement;
  private readonly speed: HTMLSelectElement;
  private readonly told: HTMLElement;
  private readonly why: HTMLElement;
  private readonly canvas: HTMLCanvasElement;
  private shown: Projector | null = null;
  private time_s = 0;
  private playing = false;
  private last_ms = 0;
  private sequence = 0;
  private dirty = true;

  constructor(
    private readonly place: HTMLElement,
    private readonly packed: Packed,
  ) {
    this.canvas = made("canvas", place);
    this.canvas.setAttribute("role", "img");
    this.scene = new Scene(this.canvas, "dark");
    this.told = made("p", place, { className: "told" });
    const bar = made("div", place, { className: "bar" });
    this.choice = made("select", bar, { title: "Case" });
    this.choice.dataset.test = "case";
    packed.films.forEach((film, number) => {
      const word = film.passed ? "passed" : "failed";
      made("option", this.choice, {
        value: String(number),
        textContent: `${film.name} (${word})`,
      });
    });
    this.button = made("button", bar, { type: "button" });
    this.button.dataset.test = "play";
    this.slider = made("input", bar, { type: "range", min: "0", step: "any", title: "Time" });
    this.slider.dataset.test = "time";
    this.speed = made("select", bar, { title: "Speed" });
    for (const value of SPEEDS) {
      made("option", this.speed, { value: String(value), textContent: `${value} ×` });
    }
    this.speed.value = "1";
    this.why = made("p", place, { className: "bad" });
    this.listen();
    this.play(false);
    this.choose(0);
    requestAnimationFrame((now) => this.draw(now));
  }

  private listen(): void {
    this.choice.onchange = () => this.choose(Number(this.choice.value));
    this.button.onclick = () => this.play(!this.playing);
    this.slider.oninput = () => this.seek(Number(this.slider.value));
    this.place.onkeydown = (event) => {
      if (event.target instanceof HTMLSelectElement || event.target === this.button) return;
      if (event.key === " ") this.play(!this.playing);
      else if (event.key === "ArrowRight") this.seek(this.time_s + STEP_S);
      else if (event.key === "ArrowLeft") this.seek(this.time_s - STEP_S);
      else return;
      event.preventDefault();
    };
    followTheme((theme: Theme) => {
      this.scene.setTheme(theme);
      this.dirty = true;
    });
    new ResizeObserver(() => {
      this.scene.resize(this.canvas.clientWidth, this.canvas.clientHeight, devicePixelRatio);
      this.dirty = true;
    }).observe(this.canvas);
    for (const link of document.querySelectorAll<HTMLElement>("[data-watch]")) {
      link.onclick = () => {
        this.choose(Number(link.dataset.watch));
        this.place.scrollIntoView({ block: "start" });
        this.play(true);
      };
    }
  }

  private choose(number: number): void {
    const film = this.packed.films[number];
    this.choice.value = String(number);
    this.shown = new Projector(film, bytesOf(this.packed.roads[film.road]), number + 1);
    this.slider.max = String(this.shown.end_s);
    this.why.textContent = film.reasons.join("; ");
    this.canvas.setAttribute("aria-label", `Bird's-eye view of ${film.name}`);
    this.seek(film.stamps_s[0] ?? 0);
  }

  private play(on: boolean): void {
    if (on && this.shown && this.time_s >= this.shown.end_s) this.seek(0);
    this.playing = on;
    this.button.textContent = on ? "Pause" : "Play";
  }

  private seek(time_s: number): void {
    const first_s = this.shown?.film.stamps_s[0] ?? 0;
    this.time_s = Math.min(Math.max(time_s, first_s), this.shown?.end_s ?? 0);
    this.dirty = true;
  }

  private draw(nowMs: number): void {
    requestAnimationFrame((now) => this.draw(now));
    const span_s = Math.min((nowMs - this.last_ms) / 1000, 0.1);
    this.last_ms = nowMs;
    const { shown } = this;
    if (!shown || (!this.playing && !this.dirty)) return;
    if (this.playing) {
      this.seek(this.time_s + span_s * Number(this.speed.value));
      if (this.time_s >= shown.end_s) this.play(false);
    }
    this.dirty = false;
    this.slider.value = String(this.time_s);
    this.told.textContent = this.words(shown);
    this.scene.still = wantsStillness();
    // The case's own time is the scene's clock, so that pause and speed are exact.
    const ms = this.time_s * 1000;
    this.scene.take(shown.frame(this.time_s, this.sequence++), ms);
    this.scene.draw(ms);
  }

  private words(shown: Projector): string {
    const { speed_mps, accel_mps2, gap_m } = shown.figures(this.time_s);
    const parts = [
      `${this.time_s.toFixed(1)} s`,
      `${(3.6 * speed_mps).toFixed(0)} km/h`,
      `${accel_mps2.toFixed(1)} m/s²`,
    ];
    if (gap_m !== null) parts.push(`gap ${gap_m.toFixed(1)} m`);
    const said = shown.words(this.time_s);
    if (said) parts.push(said);
    if (shown.film.contacts_s.some((stamp) => stamp <= this.time_s)) parts.push("CONTACT");
    return parts.join(" · ");
  }
}

async function open(): Promise<void> {
  const place = document.querySelector<HTMLElement>("#theatre");
  const text = document.querySelector("#packed")?.textContent;
  if (!place || !text) return;
  const packed = await unpackFilms(text);
  if (packed.films.length > 0) new Theatre(place, packed);
}

open();
