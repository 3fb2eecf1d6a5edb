/** Colours of the scene, dark and light; everything far goes over into `haze`. */
import type { Theme } from "../theme";

export type Rgb = readonly [number, number, number];

/** What faces are made of; the order is that of `Palette.materials`. */
export enum Material {
  Paint,
  PaintDark,
  Own,
  OwnDark,
  Glass,
  Trim,
  Tyre,
  Rim,
  TailOff,
  TailOn,
  Amber,
  AmberOff,
  Head,
  Plate,
  Cargo,
  CargoDark,
  Skin,
  Cloth,
  ClothDark,
  Block,
}

export interface Palette {
  skyTop: Rgb;
  haze: Rgb;
  groundNear: Rgb;
  roadFar: Rgb;
  roadNear: Rgb;
  walkNear: Rgb;
  kerb: Rgb;
  barrier: Rgb;
  post: Rgb;
  markWhite: Rgb;
  markYellow: Rgb;
  markOther: Rgb;
  assist: Rgb;
  idle: Rgb;
  brake: Rgb;
  brakeHard: Rgb;
  shadow: number;
  glow: GlobalCompositeOperation;
  label: string;
  labelPlate: string;
  materials: Record<Material, Rgb>;
  /** What cars are painted in, taken by track; calm, so that none speaks louder than another. */
  paints: readonly Rgb[];
  /** Share of light that comes from everywhere. */
  ambient: number;
}

const dark: Palette = {
  skyTop: [8, 11, 15],
  haze: [24, 31, 39],
  groundNear: [21, 29, 27],
  roadFar: [34, 42, 51],
  roadNear: [38, 44, 52],
  walkNear: [50, 56, 63],
  kerb: [84, 95, 106],
  barrier: [98, 110, 123],
  post: [62, 71, 80],
  markWhite: [226, 234, 242],
  markYellow: [240, 196, 84],
  markOther: [160, 174, 188],
  assist: [54, 140, 255],
  idle: [126, 140, 154],
  brake: [255, 176, 46],
  brakeHard: [255, 84, 60],
  shadow: 0.62,
  glow: "lighter",
  label: "#f4f7fa",
  labelPlate: "rgba(13, 18, 24, 0.88)",
  ambient: 0.42,
  materials: {
    [Material.Paint]: [150, 162, 175],
    [Material.PaintDark]: [86, 96, 107],
    [Material.Own]: [236, 242, 248],
    [Material.OwnDark]: [150, 160, 171],
    [Material.Glass]: [22, 29, 37],
    [Material.Trim]: [34, 40, 47],
    [Material.Tyre]: [17, 20, 24],
    [Material.Rim]: [112, 122, 133],
    [Material.TailOff]: [134, 26, 30],
    [Material.TailOn]: [255, 52, 44],
    [Material.Amber]: [255, 176, 40],
    [Material.AmberOff]: [120, 84, 40],
    [Material.Head]: [246, 248, 255],
    [Material.Plate]: [206, 212, 218],
    [Material.Cargo]: [170, 178, 187],
    [Material.CargoDark]: [120, 129, 139],
    [Material.Skin]: [196, 172, 152],
    [Material.Cloth]: [138, 152, 172],
    [Material.ClothDark]: [74, 84, 98],
    [Material.Block]: [176, 150, 104],
  },
  paints: [
    [150, 162, 175],
    [192, 199, 206],
    [108, 116, 126],
    [92, 116, 146],
    [128, 148, 168],
    [84, 92, 104],
  ],
};

const light: Palette = {
  skyTop: [227, 233, 238],
  haze: [216, 224, 230],
  groundNear: [179, 191, 178],
  roadFar: [142, 150, 159],
  roadNear: [134, 142, 151],
  walkNear: [196, 199, 201],
  kerb: [108, 117, 126],
  barrier: [206, 212, 218],
  post: [132, 141, 150],
  markWhite: [255, 255, 255],
  markYellow: [226, 158, 10],
  markOther: [120, 130, 140],
  assist: [18, 98, 226],
  idle: [112, 122, 132],
  brake: [226, 130, 0],
  brakeHard: [204, 28, 22],
  shadow: 0.42,
  glow: "source-over",
  label: "#0c1116",
  labelPlate: "rgba(250, 252, 253, 0.92)",
  ambient: 0.56,
  materials: {
    [Material.Paint]: [196, 203, 211],
    [Material.PaintDark]: [138, 147, 157],
    [Material.Own]: [250, 252, 254],
    [Material.OwnDark]: [178, 186, 195],
    [Material.Glass]: [52, 62, 73],
    [Material.Trim]: [66, 74, 83],
    [Material.Tyre]: [40, 45, 51],
    [Material.Rim]: [168, 176, 185],
    [Material.TailOff]: [150, 40, 42],
    [Material.TailOn]: [240, 20, 20],
    [Material.Amber]: [255, 160, 0],
    [Material.AmberOff]: [176, 128, 66],
    [Material.Head]: [255, 255, 255],
    [Material.Plate]: [240, 242, 244],
    [Material.Cargo]: [206, 212, 219],
    [Material.CargoDark]: [150, 159, 169],
    [Material.Skin]: [206, 176, 152],
    [Material.Cloth]: [112, 128, 152],
    [Material.ClothDark]: [76, 86, 102],
    [Material.Block]: [190, 152, 88],
  },
  paints: [
    [196, 203, 211],
    [234, 238, 241],
    [112, 120, 130],
    [88, 114, 148],
    [166, 182, 200],
    [78, 87, 99],
  ],
};

export const PALETTES: Record<Theme, Palette> = { dark, light };

export function css(colour: Rgb, alpha = 1): string {
  return `rgba(${colour[0]}, ${colour[1]}, ${colour[2]}, ${alpha.toFixed(3)})`;
}

export function mix(one: Rgb, other: Rgb, share: number): Rgb {
  return [
    Math.round(one[0] + (other[0] - one[0]) * share),
    Math.round(one[1] + (other[1] - one[1]) * share),
    Math.round(one[2] + (other[2] - one[2]) * share),
  ];
}

/** Which paint a track wears: the same one for as long as it is tracked. */
export function paintOf(trackId: number, count: number): number {
  return (Math.imul(trackId, 0x9e3779b1) >>> 16) % count;
}

const DARKER: Rgb = [16, 20, 25];
const DARKER_SHARE = 0.46;
const SHADES = 28;
const HAZES = 16;
const MATERIALS = Material.Block + 1;
const GLOWING = new Set([Material.TailOn, Material.Amber, Material.Head]);

/** Colours of faces by material, light and haze, made once and kept as strings. */
export class Shades {
  private readonly table = new Map<number, string>();

  constructor(private readonly palette: Palette) {}

  /** light 0..1.3, seen 0 (all haze) .. 1, paint an index of `Palette.paints`. */
  of(material: Material, light: number, seen: number, paint = 0): string {
    const shade = Math.max(0, Math.min(SHADES - 1, Math.round((light / 1.3) * (SHADES - 1))));
    const haze = Math.max(0, Math.min(HAZES - 1, Math.round(seen * (HAZES - 1))));
    const key = ((paint * MATERIALS + material) * SHADES + shade) * HAZES + haze;
    let found = this.table.get(key);
    if (found === undefined) {
      found = this.make(material, (shade / (SHADES - 1)) * 1.3, haze / (HAZES - 1), paint);
      this.table.set(key, found);
    }
    return found;
  }

  private base(material: Material, paint: number): Rgb {
    const { materials, paints } = this.palette;
    if (material === Material.Paint) return paints[paint];
    if (material === Material.PaintDark) return mix(paints[paint], DARKER, DARKER_SHARE);
    return materials[material];
  }

  private make(material: Material, light: number, seen: number, paint: number): string {
    const base = this.base(material, paint);
    const factor = GLOWING.has(material) ? 1 : light;
    const lit: Rgb = [
      Math.min(255, Math.round(base[0] * factor)),
      Math.min(255, Math.round(base[1] * factor)),
      Math.min(255, Math.round(base[2] * factor)),
    ];
    const [r, g, b] = mix(this.palette.haze, lit, seen);
    return `rgb(${r}, ${g}, ${b})`;
  }
}
