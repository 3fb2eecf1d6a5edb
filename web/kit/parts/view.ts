import type { CockpitFrame } from "../messages.gen";
import { Scene } from "../scene/scene";
import { followTheme, type Theme, wantsStillness } from "../theme";
import { css, define, html, LitElement, shared } from "./part";

/** The scene as an element: keeps its size, follows the theme, draws once per screen refresh. */
export class SceneView extends LitElement {
  static override properties = { stale: { type: Boolean, reflect: true }, words: { type: String } };
  declare stale: boolean;
  /** The scene in a sentence, for who does not see it. */
  declare words: string;
  private scene: Scene | null = null;
  private theme: Theme = "dark";
  private newest: CockpitFrame | null = null;
  private painted = -1;

  static override styles = [
    shared,
    css`
      :host {
        position: relative;
        overflow: hidden;
      }
      canvas {
        width: 100%;
        height: 100%;
        display: block;
      }
      :host([stale]) canvas {
        filter: grayscale(1) contrast(0.7) opacity(0.6);
      }
    `,
  ];

  constructor() {
    super();
    this.stale = false;
    this.words = "";
  }

  take(frame: CockpitFrame, nowMs: number): void {
    this.newest = frame;
    this.scene?.take(frame, nowMs);
  }

  override firstUpdated(): void {
    const canvas = this.renderRoot.querySelector("canvas");
    if (!canvas) return;
    this.scene = new Scene(canvas, this.theme);
    followTheme((theme) => {
      this.theme = theme;
      this.scene?.setTheme(theme);
    });
    new ResizeObserver(() => {
      this.scene?.resize(this.clientWidth, this.clientHeight, devicePixelRatio);
    }).observe(this);
    requestAnimationFrame((now) => this.draw(now));
  }

  private draw(nowMs: number): void {
    requestAnimationFrame((now) => this.draw(now));
    if (!this.scene || (this.stale && this.painted === this.newest?.sequence)) return;
    this.scene.still = wantsStillness();
    this.scene.draw(nowMs);
    const sequence = this.newest?.sequence ?? -1;
    if (sequence !== this.painted) {
      this.painted = sequence;
      this.dispatchEvent(
        new CustomEvent("volant-painted", { detail: sequence, bubbles: true, composed: true }),
      );
    }
  }

  override render() {
    return html`<canvas role="img" aria-label=${this.words}></canvas>`;
  }
}

define("volant-view", SceneView);
