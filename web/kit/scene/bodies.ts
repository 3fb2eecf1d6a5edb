/** The bodies that the scene knows, one for each class, and where their lamps sit. */
import type { ObjectClass } from "../messages.gen";
import { type Mesh, MeshBuilder, type Point } from "./mesh";
import { Material as M } from "./palette";

/** A lamp as a quad on the body: x, y, z of four corners on the left, and their mirror image. */
export interface Lamp {
  left: Float32Array;
  right: Float32Array;
  /** Looks to the rear (or to the front). */
  rear: boolean;
  /** Shines without a glow around it. */
  plain: boolean;
}

export interface Body {
  near: Mesh;
  far: Mesh;
  tail: readonly Lamp[];
  indicators: readonly Lamp[];
  /** How far the soft shadow reaches out, in metres. */
  shadowGrow: number;
}

function lamp(corners: readonly Point[], rear = true, plain = false): Lamp {
  return {
    left: Float32Array.from(corners.flat()),
    right: Float32Array.from(corners.flatMap(([x, y, z]) => [x, -y, z])),
    rear,
    plain,
  };
}

/** A lamp that looks straight back (or ahead). */
const quad = (x: number, y0: number, y1: number, z0: number, z1: number, rear = true): Lamp =>
  lamp(
    [
      [x, y0, z0],
      [x, y1, z0],
      [x, y1, z1],
      [x, y0, z1],
    ],
    rear,
  );

/** A car's flank: tucked in below, widest at the waist, rounded into the deck. */
const FLANK = [
  [0, 0.9],
  [0.14, 0.97],
  [0.42, 1],
  [0.78, 0.985],
  [0.93, 0.945],
  [1, 0.87],
] as const;

function carBody(paint: M, shade: M): Mesh {
  const b = new MeshBuilder(4.5, 1.85, 1.6);
  for (const x of [-0.3, 0.3]) {
    for (const side of [-1, 1]) {
      const [inner, outer] = [side * 0.34, side * 0.475];
      const [low, high] = [Math.min(inner, outer), Math.max(inner, outer)];
      b.box(M.Tyre, [x - 0.07, low, 0], [x + 0.07, high, 0.34]);
    }
  }
  b.loft(
    paint,
    paint,
    [
      [-0.5, 0.35, 0.3, 0.52],
      [-0.495, 0.415, 0.25, 0.575],
      [-0.48, 0.458, 0.21, 0.61],
      [-0.45, 0.485, 0.18, 0.635],
      [-0.38, 0.498, 0.15, 0.645],
      [-0.2, 0.5, 0.14, 0.635],
      [0.1, 0.5, 0.14, 0.61],
      [0.28, 0.498, 0.14, 0.575],
      [0.4, 0.485, 0.16, 0.52],
      [0.46, 0.455, 0.18, 0.47],
      [0.49, 0.4, 0.21, 0.42],
      [0.5, 0.33, 0.25, 0.37],
    ],
    FLANK,
  );
  const body: Point = [0, 0, 0.4];
  b.pair(
    M.Trim,
    strip([-0.44, 0.455, 0.13], [0.44, 0.44, 0.13], [0.42, 0.487, 0.22], [-0.42, 0.49, 0.22]),
    body,
    true,
  );
  b.wheels(-0.3, 0.335).wheels(0.3, 0.335);
  // The lower bumper goes round the corner in two steps.
  b.face(M.Trim, flat(-0.503, 0.36, 0.24, 0.345), body, true);
  b.pair(
    M.Trim,
    strip(
      [-0.503, 0.36, 0.24],
      [-0.486, 0.455, 0.22],
      [-0.487, 0.462, 0.33],
      [-0.503, 0.36, 0.345],
    ),
    body,
    true,
  );
  b.face(M.Plate, flat(-0.505, 0.13, 0.37, 0.435), body, true);
  b.pair(
    M.Head,
    strip([0.474, 0.43, 0.385], [0.494, 0.34, 0.365], [0.495, 0.34, 0.405], [0.476, 0.435, 0.43]),
    body,
    true,
  );
  cabin(b, paint, shade);
  return b.done();
}

const strip = (...corners: Point[]): Point[] => corners;

/** A rectangle across the body, looking along x. */
function flat(x: number, half: number, low: number, high: number): Point[] {
  return [
    [x, -half, low],
    [x, half, low],
    [x, half, high],
    [x, -half, high],
  ];
}

/** The outline of the glasshouse from the rear to the windscreen: x and height. */
const ROOF: readonly (readonly [number, number])[] = [
  [-0.462, 0.632],
  [-0.405, 0.79],
  [-0.345, 0.905],
  [-0.265, 0.972],
  [-0.14, 1],
  [-0.03, 0.996],
  [0.06, 0.955],
  [0.15, 0.82],
  [0.265, 0.605],
];
const BELT = 0.615;

/** Half the width of the glasshouse at a height: it leans in towards the roof. */
function leaning(z: number): number {
  return 0.46 - 0.105 * ((z - 0.6) / 0.4);
}

/** Glass and roof over the belt line: dark glass all round and overhead, framed in paint. */
function cabin(b: MeshBuilder, paint: M, shade: M): void {
  const inside: Point = [-0.1, 0, 0.7];
  const eave = ROOF.map(([x, z]): Point => [x, leaning(z), z - 0.012]);
  b.pair(
    shade,
    [[-0.462, 0.462, BELT], [0.265, 0.462, BELT - 0.02], ...[...eave].reverse()],
    inside,
  );
  const pane = (points: Point[]) => b.pair(M.Glass, points, inside);
  pane([
    [-0.36, 0.452, 0.655],
    [-0.115, 0.455, 0.65],
    [-0.115, 0.365, 0.955],
    [-0.25, 0.366, 0.93],
    [-0.315, 0.385, 0.865],
  ]);
  pane([
    [-0.095, 0.455, 0.65],
    [0.2, 0.458, 0.64],
    [0.105, 0.405, 0.83],
    [0.035, 0.373, 0.93],
    [-0.095, 0.365, 0.955],
  ]);
  for (let i = 0; i + 1 < ROOF.length; i++) {
    const [x0, z0] = ROOF[i];
    const [x1, z1] = ROOF[i + 1];
    const [h0, h1] = [leaning(z0), leaning(z1)];
    const glass = i < 3 || i > 5 ? M.Glass : M.Trim;
    const [g0, g1] = [h0 * 0.86, h1 * 0.86];
    b.pair(
      paint,
      [
        [x0, g0, z0],
        [x1, g1, z1],
        [x1, h1, z1 - 0.012],
        [x0, h0, z0 - 0.012],
      ],
      [-0.1, 0, 0.3],
    );
    b.face(
      glass,
      [
        [x0, -g0, z0],
        [x1, -g1, z1],
        [x1, g1, z1],
        [x0, g0, z0],
      ],
      [-0.1, 0, 0.3],
    );
  }
  // A lip over the rear glass.
  b.face(
    paint,
    [
      [-0.262, -0.325, 0.978],
      [-0.262, 0.325, 0.978],
      [-0.352, 0.31, 0.945],
      [-0.352, -0.31, 0.945],
    ],
    [-0.1, 0, 0.3],
  );
  b.face(
    shade,
    [
      [-0.352, -0.31, 0.945],
      [-0.352, 0.31, 0.945],
      [-0.35, 0.305, 0.918],
      [-0.35, -0.305, 0.918],
    ],
    [0, 0, 0.9],
    true,
  );
  b.pair(
    shade,
    [
      [0.165, 0.47, 0.62],
      [0.2, 0.47, 0.62],
      [0.2, 0.545, 0.69],
      [0.165, 0.545, 0.69],
    ],
    [0.4, 0, 0.6],
    true,
  );
}

function carFar(): Mesh {
  const b = new MeshBuilder(4.5, 1.85, 1.6);
  b.box(M.Tyre, [-0.42, -0.46, 0], [0.42, 0.46, 0.2]);
  b.loft(M.Paint, M.Paint, [
    [-0.5, 0.46, 0.18, 0.62],
    [0.25, 0.5, 0.14, 0.6],
    [0.5, 0.42, 0.2, 0.42],
  ]);
  const inside: Point = [-0.1, 0, 0.7];
  b.pair(
    M.Glass,
    [
      [-0.455, 0.455, 0.62],
      [0.245, 0.455, 0.62],
      [0.045, 0.365, 0.95],
      [-0.315, 0.365, 0.95],
    ],
    inside,
  );
  b.face(
    M.Glass,
    [
      [-0.455, -0.455, 0.62],
      [-0.455, 0.455, 0.62],
      [-0.315, 0.365, 0.95],
      [-0.315, -0.365, 0.95],
    ],
    inside,
  );
  b.face(
    M.Glass,
    [
      [0.245, -0.455, 0.62],
      [0.245, 0.455, 0.62],
      [0.045, 0.365, 0.95],
      [0.045, -0.365, 0.95],
    ],
    inside,
  );
  b.face(
    M.Paint,
    [
      [-0.33, -0.365, 0.97],
      [0.05, -0.365, 0.97],
      [0.05, 0.365, 0.97],
      [-0.33, 0.365, 0.97],
    ],
    [0, 0, 0],
  );
  return b.done();
}

const STEEP = [
  [0, 0.98],
  [0.5, 1],
  [1, 0.97],
] as const;
const ROUND = [
  [0, 0.8],
  [0.5, 1],
  [1, 0.75],
] as const;
const SLOPED = [
  [0, 0.95],
  [0.7, 1],
  [1, 0.6],
] as const;

function lorry(detail: boolean): Mesh {
  const b = new MeshBuilder(12, 2.5, 3.7);
  b.box(M.Tyre, [-0.47, -0.42, 0.03], [0.46, 0.42, 0.22]);
  if (detail) {
    for (const x of [-0.4, -0.3, 0.2, 0.4]) {
      for (const side of [-1, 1]) {
        const [a, c] = [side * 0.3, side * 0.485];
        b.box(M.Tyre, [x - 0.036, Math.min(a, c), 0], [x + 0.036, Math.max(a, c), 0.24]);
      }
    }
  }
  // Cab in front, then the box that hides most of it from behind.
  b.loft(
    M.Paint,
    M.Paint,
    [
      [0.32, 0.48, 0.14, 0.86],
      [0.46, 0.48, 0.14, 0.86],
      [0.495, 0.46, 0.16, 0.62],
      [0.5, 0.44, 0.16, 0.4],
    ],
    STEEP,
  );
  b.pair(
    M.Glass,
    [
      [0.4, 0.482, 0.5],
      [0.465, 0.482, 0.5],
      [0.455, 0.475, 0.74],
      [0.4, 0.475, 0.74],
    ],
    [0.4, 0, 0.5],
    true,
  );
  b.face(
    M.Glass,
    [
      [0.499, -0.42, 0.45],
      [0.499, 0.42, 0.45],
      [0.478, 0.42, 0.74],
      [0.478, -0.42, 0.74],
    ],
    [0, 0, 0.5],
  );
  b.box(M.Cargo, [-0.5, -0.5, 0.24], [0.3, 0.5, 1], M.Cargo);
  const back: Point = [0, 0, 0.5];
  const x = -0.5015;
  if (detail) {
    b.face(
      M.CargoDark,
      [
        [x, -0.47, 0.28],
        [x, -0.012, 0.28],
        [x, -0.012, 0.97],
        [x, -0.47, 0.97],
      ],
      back,
      true,
    );
    b.face(
      M.CargoDark,
      [
        [x, 0.012, 0.28],
        [x, 0.47, 0.28],
        [x, 0.47, 0.97],
        [x, 0.012, 0.97],
      ],
      back,
      true,
    );
    for (const y of [-0.32, -0.1, 0.1, 0.32]) {
      b.face(
        M.Cargo,
        [
          [x - 0.001, y - 0.012, 0.29],
          [x - 0.001, y + 0.012, 0.29],
          [x - 0.001, y + 0.012, 0.96],
          [x - 0.001, y - 0.012, 0.96],
        ],
        back,
        true,
      );
    }
    for (const at of [-0.34, -0.18, -0.02, 0.14]) {
      b.pair(
        M.CargoDark,
        [
          [at, 0.5015, 0.29],
          [at + 0.006, 0.5015, 0.29],
          [at + 0.006, 0.5015, 0.98],
          [at, 0.5015, 0.98],
        ],
        back,
        true,
      );
    }
    b.pair(
      M.CargoDark,
      [
        [-0.49, 0.5015, 0.24],
        [0.29, 0.5015, 0.24],
        [0.29, 0.5015, 0.28],
        [-0.49, 0.5015, 0.28],
      ],
      back,
      true,
    );
  }
  b.face(
    M.Trim,
    [
      [x, -0.5, 0.15],
      [x, 0.5, 0.15],
      [x, 0.5, 0.24],
      [x, -0.5, 0.24],
    ],
    back,
  );
  if (detail) for (const wx of [-0.4, -0.3, 0.2, 0.4]) b.wheels(wx, 0.48, 0.49, 10);
  return b.done();
}

function bus(detail: boolean): Mesh {
  const b = new MeshBuilder(12, 2.5, 3.2);
  b.box(M.Tyre, [-0.46, -0.44, 0], [0.46, 0.44, 0.16]);
  b.loft(
    M.Cargo,
    M.Cargo,
    [
      [-0.5, 0.48, 0.12, 0.97],
      [-0.48, 0.5, 0.1, 1],
      [0.48, 0.5, 0.1, 1],
      [0.5, 0.47, 0.12, 0.96],
    ],
    STEEP,
  );
  const inside: Point = [0, 0, 0.5];
  b.pair(
    M.Glass,
    [
      [-0.46, 0.5015, 0.5],
      [0.46, 0.5015, 0.5],
      [0.46, 0.49, 0.84],
      [-0.46, 0.49, 0.84],
    ],
    inside,
  );
  b.face(
    M.Glass,
    [
      [-0.5015, -0.42, 0.52],
      [-0.5015, 0.42, 0.52],
      [-0.5015, 0.42, 0.86],
      [-0.5015, -0.42, 0.86],
    ],
    inside,
  );
  b.face(
    M.Glass,
    [
      [0.5015, -0.44, 0.36],
      [0.5015, 0.44, 0.36],
      [0.5015, 0.44, 0.88],
      [0.5015, -0.44, 0.88],
    ],
    inside,
  );
  if (detail) for (const x of [-0.3, 0.33]) b.wheels(x, 0.48, 0.495, 10);
  return b.done();
}

/** A head: rings of eight corners round the upright axis at (x, z), with its half sizes. */
function ball(
  b: MeshBuilder,
  material: M,
  [x, z]: readonly [number, number],
  [rx, ry, rz]: readonly [number, number, number],
): void {
  const ring = (tilt: number): Point[] =>
    Array.from({ length: 8 }, (_, i): Point => {
      const [turn, out] = [(Math.PI * i) / 4, Math.cos(tilt)];
      return [x + rx * out * Math.cos(turn), ry * out * Math.sin(turn), z + rz * Math.sin(tilt)];
    });
  const rings = [-1.15, -0.55, 0.05, 0.65, 1.2].map(ring);
  for (let k = 0; k + 1 < rings.length; k++) {
    for (let i = 0; i < 8; i++) {
      const j = (i + 1) % 8;
      b.face(material, [rings[k][i], rings[k][j], rings[k + 1][j], rings[k + 1][i]], [x, 0, z]);
    }
  }
  b.face(material, rings[rings.length - 1], [x, 0, z]);
}

/** Two wheels and a rider; the same for a motorcycle (heavier body) and a bicycle. */
function rider(motor: boolean): Mesh {
  const b = new MeshBuilder(2.1, 0.8, 1.7);
  const wheel = (x: number, r: number) => {
    const ring: Point[] = Array.from({ length: 12 }, (_, i): Point => {
      const angle = (Math.PI * i) / 6;
      return [x + r * Math.cos(angle), 0, 0.19 + 0.19 * Math.sin(angle)];
    });
    b.face(
      M.Tyre,
      ring.map(([px, , z]): Point => [px, 0.05, z]),
      [x, 0, 0.2],
    );
    b.face(
      M.Tyre,
      ring.map(([px, , z]): Point => [px, -0.05, z]),
      [x, 0, 0.2],
    );
    const half = motor ? 0.12 : 0.06;
    b.box(M.Tyre, [x - r * 0.9, -half, 0.02], [x + r * 0.9, half, 0.36]);
  };
  wheel(0.34, 0.155);
  wheel(-0.34, 0.155);
  if (motor) {
    b.box(M.Paint, [-0.42, -0.17, 0.3], [0.34, 0.17, 0.52], M.PaintDark);
    b.box(M.PaintDark, [0.2, -0.25, 0.46], [0.34, 0.25, 0.66]);
  } else {
    b.box(M.PaintDark, [-0.3, -0.05, 0.28], [0.32, 0.05, 0.52]);
  }
  b.box(M.ClothDark, [-0.16, -0.34, 0.26], [0.04, -0.12, 0.56]);
  b.box(M.ClothDark, [-0.16, 0.12, 0.26], [0.04, 0.34, 0.56]);
  b.loft(
    M.Cloth,
    M.Cloth,
    [
      [-0.2, 0.24, 0.5, 0.82],
      [0.02, 0.34, 0.52, 0.86],
      [0.14, 0.26, 0.56, 0.82],
    ],
    ROUND,
  );
  b.box(M.Cloth, [0.08, -0.42, 0.58], [0.3, -0.28, 0.68]);
  b.box(M.Cloth, [0.08, 0.28, 0.58], [0.3, 0.42, 0.68]);
  ball(b, motor ? M.Own : M.Skin, [0.05, 0.92], [0.07, 0.19, 0.09]);
  return b.done();
}

function person(): Mesh {
  const b = new MeshBuilder(0.5, 0.6, 1.75);
  b.box(M.ClothDark, [-0.02, -0.34, 0], [0.34, -0.06, 0.48]);
  b.box(M.ClothDark, [-0.34, 0.06, 0], [0.02, 0.34, 0.48]);
  b.box(M.Cloth, [-0.2, -0.5, 0.44], [0.16, -0.34, 0.78]);
  b.box(M.Cloth, [-0.16, 0.34, 0.44], [0.2, 0.5, 0.78]);
  b.loft(
    M.Cloth,
    M.Cloth,
    [
      [-0.26, 0.3, 0.46, 0.8],
      [0, 0.4, 0.46, 0.84],
      [0.26, 0.3, 0.46, 0.8],
    ],
    SLOPED,
  );
  ball(b, M.Skin, [0.04, 0.925], [0.24, 0.2, 0.075]);
  return b.done();
}

const block = new MeshBuilder(2, 2, 1.5).box(M.Block, [-0.5, -0.5, 0], [0.5, 0.5, 1]).done();
const plain = new MeshBuilder(4, 1.8, 1.5)
  .box(M.PaintDark, [-0.5, -0.5, 0.05], [0.5, 0.5, 1], M.Paint)
  .done();

/** One band of light over the whole rear, bent round the corners. */
const carTail: Lamp[] = [
  { ...quad(-0.5045, 0, 0.36, 0.5, 0.528), plain: true },
  lamp([
    [-0.5045, 0.36, 0.488],
    [-0.483, 0.462, 0.488],
    [-0.481, 0.466, 0.556],
    [-0.5045, 0.36, 0.536],
  ]),
];
const carIndicators: Lamp[] = [
  lamp([
    [-0.5035, 0.36, 0.45],
    [-0.484, 0.458, 0.45],
    [-0.483, 0.46, 0.482],
    [-0.5035, 0.36, 0.482],
  ]),
  lamp(
    [
      [0.475, 0.36, 0.36],
      [0.46, 0.45, 0.36],
      [0.455, 0.45, 0.43],
      [0.47, 0.36, 0.43],
    ],
    false,
  ),
];
const lorryTail = [quad(-0.503, 0.33, 0.47, 0.165, 0.225)];
const lorryIndicators = [
  quad(-0.503, 0.47, 0.5, 0.165, 0.225),
  quad(0.503, 0.4, 0.46, 0.2, 0.26, false),
];
const busTail = [quad(-0.503, 0.36, 0.46, 0.24, 0.36)];
const busIndicators = [
  quad(-0.503, 0.36, 0.46, 0.38, 0.44),
  quad(0.503, 0.38, 0.45, 0.2, 0.26, false),
];
const motorTail = [quad(-0.43, 0.0, 0.13, 0.42, 0.5)];
const motorIndicators = [quad(-0.43, 0.2, 0.3, 0.42, 0.48), quad(0.36, 0.2, 0.3, 0.5, 0.56, false)];

const car: Body = {
  near: carBody(M.Paint, M.PaintDark),
  far: carFar(),
  tail: carTail,
  indicators: carIndicators,
  shadowGrow: 0.35,
};

export const OWN: Body = { ...car, near: carBody(M.Own, M.OwnDark) };

const BODIES: Record<ObjectClass, Body> = {
  car,
  lorry: {
    near: lorry(true),
    far: lorry(false),
    tail: lorryTail,
    indicators: lorryIndicators,
    shadowGrow: 0.5,
  },
  bus: {
    near: bus(true),
    far: bus(false),
    tail: busTail,
    indicators: busIndicators,
    shadowGrow: 0.5,
  },
  motorcycle: {
    near: rider(true),
    far: rider(true),
    tail: motorTail,
    indicators: motorIndicators,
    shadowGrow: 0.2,
  },
  cyclist: {
    near: rider(false),
    far: rider(false),
    tail: motorTail,
    indicators: [],
    shadowGrow: 0.2,
  },
  pedestrian: { near: person(), far: person(), tail: [], indicators: [], shadowGrow: 0.15 },
  obstacle: { near: block, far: block, tail: [], indicators: [], shadowGrow: 0.2 },
  unknown: { near: plain, far: plain, tail: [], indicators: [], shadowGrow: 0.2 },
};

export function bodyOf(kind: ObjectClass): Body {
  return BODIES[kind] ?? BODIES.unknown;
}
