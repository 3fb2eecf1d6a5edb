// Made by `python -m volant.caros.cockpit.typescript`; do not edit.

export const SCHEMA_HASH = "7a9ba43c497a";

/** Emergency braking's own view, 20 Hz and at each change; positions in the car frame. */
export interface AebState {
  stamp_ns: number;
  stage: BrakeStage;
  code: string;
  words: string;
  object_class: ObjectClass | null;
  x_m: number | null;
  y_m: number | null;
  time_to_contact_s: number | null;
  needed_mps2: number | null;
}

/** The air of one front seat. */
export interface AirState {
  wished_k: number;
  fan_pct: number;
  way: AirWay;
}

/** Where the air of a seat comes from. */
export type AirWay = "up" | "middle" | "down";

/** Something to tell the driver; the highest level wins, `until_ns` ends it. */
export interface Alert {
  stamp_ns: number;
  alert_id: string;
  level: AlertLevel;
  words: string;
  cause: string;
  action: string;
  until_ns: number;
}

/** How much an alert wants to be seen (0 status to 4 critical). */
export type AlertLevel = 0 | 1 | 2 | 3 | 4;

/** What one app shows on the driver's page. */
export interface AppCard {
  app: string;
  name: string;
  title: string;
  lines: readonly string[];
  address: string;
}

/** What apps show now; said when it changes, and once a second. */
export interface AppCards {
  stamp_ns: number;
  cards: readonly AppCard[];
}

/** What can be asked of the body; the unit of its value stands beside it. */
export type BodyItem = "door" | "door_lock" | "child_lock" | "window" | "window_lock" | "hood" | "boot" | "boot_lock" | "light_switch" | "parking_light" | "running_light" | "low_beam" | "high_beam" | "fog_front" | "fog_rear" | "horn" | "wiper" | "wiper_intensity" | "mirror_fold" | "mirror_heat" | "mirror_yaw" | "mirror_tilt" | "screen_heat" | "air_temperature" | "air_fan" | "air_way" | "air_conditioning" | "recirculation" | "defrost" | "seat_heat" | "seat_position" | "seat_height" | "seat_recline" | "seat_tilt" | "seat_occupied" | "seat_belt" | "wheel_heat" | "wheel_extension" | "wheel_tilt" | "dome_light" | "glove_light" | "ambient_light" | "ambient_intensity" | "reading_light" | "reading_intensity" | "charge_flap" | "charge_cable" | "station_power" | "cable_lock" | "charge_limit" | "charge" | "charge_timer" | "charge_time" | "conditioning" | "conditioning_time" | "cabin_time" | "trip" | "gear";

/** Which of several alike; left and right as one sits in the car. */
export type BodyPlace = "front_left" | "front_right" | "rear_left" | "rear_right" | "rear_middle" | "front" | "rear" | "left" | "right";

/** One thing asked of the body. */
export interface BodyRequest {
  stamp_ns: number;
  item: BodyItem;
  place: BodyPlace | null;
  value: number | null;
  word: string | null;
  who: string;
}

/** What body and small units report: at each change, else once a second. */
export interface BodyState {
  stamp_ns: number;
  doors: readonly [DoorState, DoorState, DoorState, DoorState];
  seats: readonly [SeatState, SeatState, SeatState, SeatState, SeatState];
  mirrors: readonly [MirrorState, MirrorState];
  tyres: readonly [TyreState, TyreState, TyreState, TyreState];
  window_lock: boolean;
  hood_pct: number;
  boot_pct: number;
  boot_locked: boolean;
  lights: LightsState;
  cabin_lights: CabinLights;
  wipers: WipersState;
  screen_heat: readonly [boolean, boolean];
  horn: boolean;
  climate: ClimateState;
  wheel_heat_pct: number;
  wheel_extension_pct: number;
  wheel_tilt_pct: number;
  charge: ChargeState;
  conditioning: ConditioningState;
  drive: DriveState;
  impact: ImpactState;
  refused: number;
  refusal: string;
}

/** How far emergency braking has come. */
export type BrakeStage = "ready" | "warning" | "partial" | "full" | "hold" | "unavailable";

/** Lamps inside; ambient and reading lamps as left, right. */
export interface CabinLights {
  dome: boolean;
  glove: boolean;
  ambient: readonly [boolean, boolean];
  ambient_pct: readonly [number, number];
  reading: readonly [boolean, boolean];
  reading_pct: readonly [number, number];
}

/** One data frame on one of the car's CAN buses. */
export interface CanFrame {
  bus: string;
  can_id: number;
  data: Uint8Array;
  extended: boolean;
}

/** Frames that one process of the live car has put on the buses at a tick, in the order of sending. */
export interface CanFrames {
  stamp_ns: number;
  frames: readonly CanFrame[];
}

/** The car's power state, at each change and twice a second. */
export interface CarPower {
  stamp_ns: number;
  state: PowerState;
  to: PowerState | null;
  until_ns: number;
  supply_v: number;
  supply_low: boolean;
}

/** What the car's own ECUs report, 100 Hz; measured, not true. */
export interface CarState {
  stamp_ns: number;
  speed_mps: number;
  accel_mps2: number;
  lateral_accel_mps2: number;
  yaw_rate_rps: number;
  steer_rad: number;
  gear: Gear;
  indicator: Indicator;
  hold: boolean;
  brake_lights: boolean;
  charge_pct: number;
  range_m: number;
  battery_power_w: number;
  battery_voltage_v: number;
  battery_temperature_k: number;
  odometer_m: number;
  driver: DriverControls;
  plugged: boolean;
  valid: boolean;
}

/** The charging port and what flows through it. */
export interface ChargeState {
  flap_open: boolean;
  cable: boolean;
  cable_locked: boolean;
  station: StationKind;
  station_w: number;
  timer: ChargeTimer;
  time_s: number;
  start_s: number | null;
  why: string;
  limit_pct: number;
  wanted: boolean;
  power_w: number;
  most_w: number;
  left_s: number | null;
}

/** What the time of a charging means. */
export type ChargeTimer = "off" | "start" | "end";

/** Climate of the cabin. */
export interface ClimateState {
  cabin_k: number;
  ambient_k: number;
  left: AirState;
  right: AirState;
  on: boolean;
  recirculation: boolean;
  defrost: boolean;
  power_w: number;
}

/** Emergency braking: warns, brakes, holds, or cannot. */
export interface CockpitAeb {
  stage: BrakeStage;
  words: string;
  object_class: ObjectClass | null;
  time_to_contact_s: number | null;
}

/** A line to stop at, across one lane. */
export interface CockpitBar {
  from_x_m: number;
  from_y_m: number;
  to_x_m: number;
  to_y_m: number;
  z_m: number;
  solid: boolean;
}

/** Instruments, as the car's ECUs report them. */
export interface CockpitCar {
  stamp_ns: number;
  speed_mps: number;
  accel_mps2: number;
  gear: Gear;
  indicator: Indicator;
  brake_lights: boolean;
  hold: boolean;
  charge_pct: number;
  range_m: number;
  battery_power_w: number;
  steer_rad: number;
  accelerator: number;
  brake: number;
  hands_on: boolean;
  eyes_on: boolean;
  valid: boolean;
}

/** Charging and preconditioning, as the body has them. */
export interface CockpitCharge {
  station: StationKind;
  power_w: number;
  limit_pct: number;
  left_s: number | null;
  starts_s: number | null;
  why: string;
  cabin: boolean;
  battery: boolean;
}

/** Trouble codes, as `TroubleCodes` has them. */
export interface CockpitCodes {
  number: number;
  count: number;
  codes: readonly TroubleCode[];
  may_clear: boolean;
  refused: string;
}

/** From a screen in replay: `value` is a factor for SPEED, seconds for SEEK, frames for STEP. */
export interface CockpitControl {
  type: "control";
  kind: ControlKind;
  value: number | null;
}

/** The own car where the pilot believes it is; x, y at the middle of the rear axle. */
export interface CockpitEgo {
  stamp_ns: number;
  x_m: number;
  y_m: number;
  z_m: number;
  yaw_rad: number;
  grade: number;
  yaw_rate_rps: number;
  speed_mps: number;
  length_m: number;
  width_m: number;
  rear_overhang_m: number;
  valid: boolean;
}

/** What is expected of the charge, as `EnergyState` has it. */
export interface CockpitEnergy {
  range_m: number;
  arrival_pct: number | null;
  arrival_low_pct: number | null;
  arrival_high_pct: number | null;
  reaches: boolean;
  advice: string;
}

/** Everything that the cluster shows at one time; a part that has never come is null. */
export interface CockpitFrame {
  schema: string;
  sequence: number;
  stamp_ns: number;
  car_age_s: number;
  pilot_age_s: number;
  car: CockpitCar | null;
  ego: CockpitEgo | null;
  tracks_stamp_ns: number;
  tracks: readonly CockpitTrack[];
  plan: CockpitPlan | null;
  pilot: CockpitPilot | null;
  guard: CockpitGuard | null;
  stop: CockpitStop | null;
  alert: Alert | null;
  road_window: number;
  road: Uint8Array;
  lights: readonly CockpitLight[];
  aeb: CockpitAeb | null;
  route_number: number;
  route: Uint8Array;
  codes: CockpitCodes | null;
  energy: CockpitEnergy | null;
  charge: CockpitCharge | null;
  apps: readonly AppCard[];
  update: CockpitUpdate | null;
  replay: CockpitReplay | null;
}

/** The guard's last word. */
export interface CockpitGuard {
  source: CommandSource;
  limited: boolean;
  reason: string;
}

/** From the screen in the driver's seat, ten times a second at least: what hands and feet do. */
export interface CockpitHands {
  type: "hands";
  accelerator: number;
  brake: number;
  wheel: number;
  hands_on: boolean;
  eyes_on: boolean;
}

/** A traffic light as the camera sees it now. */
export interface CockpitLight {
  x_m: number;
  y_m: number;
  z_m: number;
  state: LightState;
}

/** One piece of a marking or kerb, in the world frame; dashes start `phase_m` along the piece. */
export interface CockpitLine {
  piece: number;
  kind: string;
  colour: string;
  width_m: number;
  dash_m: number;
  gap_m: number;
  phase_m: number;
  edge: boolean;
  origin_x_m: number;
  origin_y_m: number;
  origin_z_m: number;
  points: Uint8Array;
}

/** From a screen: its first live frame is on the glass. */
export interface CockpitPainted {
  type: "painted";
  sequence: number;
}

/** Who drives, and why. */
export interface CockpitPilot {
  engagement: Engagement;
  code: string;
  words: string;
  set_speed_mps: number;
  time_gap_setting_s: number;
  functions: readonly string[];
  ready: boolean;
  blockers: readonly string[];
  blocker_words: readonly string[];
  switched_off: readonly string[];
  escalation: Escalation;
  departure: LaneWarning;
  blind_spot_left: boolean;
  blind_spot_right: boolean;
}

/** The chosen motion and what the pilot keeps in view with it. */
export interface CockpitPlan {
  stamp_ns: number;
  x_m: readonly number[];
  y_m: readonly number[];
  z_m: readonly number[];
  accel_mps2: readonly number[];
  lane: CockpitSurface | null;
  target_speed_mps: number;
  limit_mps: number | null;
  limit_is_default: boolean;
  constraint: Constraint;
  reason: string;
  manoeuvre: string;
  lead_id: number | null;
  gap_m: number | null;
  time_gap_s: number | null;
  confidence: number;
  distance_left_m: number | null;
  arrived: boolean;
  guidance: Guidance | null;
  rerouted: number;
}

/** A traffic light of the map; what it shows stands in `CockpitFrame.lights`. */
export interface CockpitPost {
  signal: string;
  x_m: number;
  y_m: number;
  z_m: number;
  heading_rad: number;
}

/** From the screen in the driver's seat: a button, as `DriverRequest` has it. */
export interface CockpitPress {
  type: "press";
  kind: RequestKind;
  value: number | null;
  indicator: Indicator | null;
  function: Function | null;
}

/** Set while a journal is watched instead of a drive. */
export interface CockpitReplay {
  name: string;
  paused: boolean;
  speed: number;
  position_s: number;
  length_s: number;
}

/** The map near the car. */
export interface CockpitRoad {
  lines: readonly CockpitLine[];
  surfaces: readonly CockpitSurface[];
  left_hand: boolean;
  posts: readonly CockpitPost[];
  bars: readonly CockpitBar[];
  zebras: readonly CockpitZebra[];
}

/** The way to go on the map, thinned out, from the start to the destination. */
export interface CockpitRoute {
  x_m: readonly number[];
  y_m: readonly number[];
}

/** From a screen: it takes the driver's seat, or leaves it. The last to take it has it. */
export interface CockpitSeat {
  type: "seat";
  taken: boolean;
}

/** The car is stopped by itself, or stands after that; shown in place of the pilot's own word. */
export interface CockpitStop {
  stands: boolean;
  words: string;
  reason: string;
}

/** One piece of ground: what lies between two polylines of equally many points. */
export interface CockpitSurface {
  piece: number;
  kind: string;
  origin_x_m: number;
  origin_y_m: number;
  origin_z_m: number;
  left: Uint8Array;
  right: Uint8Array;
}

/** One road user as the pilot tracks it; x, y at the centre of its box. */
export interface CockpitTrack {
  track_id: number;
  object_class: ObjectClass;
  x_m: number;
  y_m: number;
  z_m: number;
  yaw_rad: number;
  speed_mps: number;
  accel_mps2: number;
  yaw_rate_rps: number;
  length_m: number;
  width_m: number;
  height_m: number;
  confidence: number;
  brake_lights: boolean;
  indicator: Indicator;
  ghost: boolean;
}

/** What updates have in hand, with units named for people. */
export interface CockpitUpdate {
  state: UpdateState;
  silent: boolean;
}

/** From the screen in the driver's seat: what it wishes of an update. */
export interface CockpitWish {
  type: "wish";
  wish: UpdateWish;
  offer: string;
}

/** A crossing for people: its corners in order. */
export interface CockpitZebra {
  x_m: readonly number[];
  y_m: readonly number[];
  z_m: number;
  signalled: boolean;
}

/** Circumstances of a failure (freeze frame); null: not measured. */
export interface CodeFrame {
  stamp_ns: number;
  drives_ago: number;
  speed_mps: number | null;
  charge_pct: number | null;
  supply_v: number | null;
  odometer_m: number | null;
}

/** What a trouble code says now, gravest first. */
export type CodeStatus = "active" | "pending" | "stored";

/** What the car shall do next: the one thing that a driver, human or not, gives to a car. */
export interface Command {
  stamp_ns: number;
  accel_mps2: number;
  curvature_per_m: number;
  gear: Gear;
  indicator: Indicator;
  hold: boolean;
}

/** Who asks, as the guard derives it; a command cannot claim it. */
export type CommandSource = "comfort" | "aeb" | "minimal_risk" | "driver";

/** What the battery is warmed for. */
export type Conditioning = "off" | "fast_charging" | "driving";

/** Warming of battery and cabin before a drive or a fast charging. */
export interface ConditioningState {
  battery: Conditioning;
  battery_s: number;
  active: boolean;
  heater_w: number;
  target_k: number;
  cabin_s: number;
  cabin_active: boolean;
}

/** Which bound held the plan back at this tick. */
export type Constraint = "none" | "set_speed" | "speed_limit" | "curve" | "lead" | "cut_in" | "merge" | "road_end" | "destination" | "sight" | "standstill" | "takeover" | "red_light" | "stop_sign" | "give_way" | "crossing" | "person" | "occlusion";

/** The own car touched an actor. */
export interface Contact {
  stamp_ns: number;
  actor_id: number;
  object_class: ObjectClass;
  closing_mps: number;
  struck_from_behind: boolean;
}

/** Who is to blame for a contact, from ground truth. */
export interface ContactVerdict {
  stamp_ns: number;
  actor_id: number;
  object_class: ObjectClass;
  impact_mps: number;
  at_fault: boolean;
  code: string;
  words: string;
}

/** What a viewer of a journal can ask for. */
export type ControlKind = "pause" | "play" | "step" | "speed" | "seek";

/** All objects that one sensor saw at one time. */
export interface DetectionFrame {
  sensor: string;
  stamp_ns: number;
  objects: readonly ObjectReturn[];
}

/** One door with its window. */
export interface DoorState {
  open_pct: number;
  locked: boolean;
  child_locked: boolean;
  window_pct: number;
}

/** What motor, brakes and battery count. */
export interface DriveState {
  motor_rps: number;
  motor_nm: number;
  motor_w: number;
  loss_w: number;
  consumed_j: number;
  recovered_j: number;
  charged_j: number;
  trip_m: number;
}

/** What the driver's hands and feet do now, as the car measures it. */
export interface DriverControls {
  accelerator: number;
  brake: number;
  wheel_torque_nm: number;
  wheel_angle_rad: number;
  hands_on: boolean;
  eyes_on: boolean;
  belted: boolean;
  door_closed: boolean;
}

/** One press of a button. */
export interface DriverRequest {
  stamp_ns: number;
  kind: RequestKind;
  value: number | null;
  indicator: Indicator | null;
  function: Function | null;
}

/** The own car's true motion, 100 Hz; never an input of the pilot. */
export interface EgoTruth {
  stamp_ns: number;
  x_m: number;
  y_m: number;
  z_m: number;
  yaw_rad: number;
  pitch_rad: number;
  roll_rad: number;
  speed_mps: number;
  lateral_speed_mps: number;
  accel_mps2: number;
  lateral_accel_mps2: number;
  yaw_rate_rps: number;
  steer_rad: number;
  length_m: number;
  width_m: number;
  rear_overhang_m: number;
  indicator: Indicator;
}

/** What is expected at the end of the route, without a stop; 9 of 10 times within its band. */
export interface EnergyArrival {
  distance_m: number;
  drive_s: number;
  energy_j: number;
  charge_pct: number;
  low_pct: number;
  high_pct: number;
}

/** What is expected of the charge, by the route ahead and what was learned; about once in two seconds. */
export interface EnergyState {
  stamp_ns: number;
  range_m: number;
  arrival: EnergyArrival | null;
  reaches: boolean;
  stops: readonly EnergyStop[];
  advice: string;
  learned_m: number;
}

/** A stop to charge at, as advised. */
export interface EnergyStop {
  name: string;
  ahead_m: number;
  arrive_pct: number;
  leave_pct: number;
  charge_s: number;
}

/** State of the pilot's engagement machine. */
export type Engagement = "off" | "ready" | "engaged" | "overridden" | "takeover" | "minimal_risk";

/** How urgently the driver is asked for hands and eyes. */
export type Escalation = "none" | "optical" | "acoustic" | "stop";

/** What the judge counts besides interventions. */
export type FindingKind = "red_light" | "stop_sign" | "right_of_way" | "solid_line" | "speeding" | "wrong_way" | "needless_braking";

/** How much is written to flash, and how long it lasts, every two seconds and at each change. */
export interface FlashUse {
  stamp_ns: number;
  written_bytes: number;
  day_most_bytes: number;
  owners: readonly (readonly [string, number])[];
  counted_bytes: number;
  measured_bytes: number | null;
  left_years: number;
  budget_years: number;
  clips: number;
  clips_bytes: number;
  refused: string;
}

/** One value that a trouble code keeps of its moment. */
export interface FreezeRecord {
  did: number;
  record: Uint8Array;
}

/** What the pilot can do and a driver can switch on and off. */
export type Function = "acc" | "lcc" | "tja" | "curve_speed" | "limit_speed" | "lane_change" | "navigation" | "town" | "ldw" | "lka" | "bsd" | "fcw" | "aeb";

/** Position of the gear selector. */
export type Gear = "park" | "reverse" | "neutral" | "drive";

/** Position and heading in the world (map) frame. No bounds. */
export interface GnssReturn {
  stamp_ns: number;
  x_m: number;
  y_m: number;
  z_m: number;
  yaw_rad: number;
  sigma_m: number;
}

/** The guard's word on one control tick and the command that goes to the actuators. */
export interface GuardDecision {
  stamp_ns: number;
  source: CommandSource;
  command: Command;
  limited: boolean;
  limits: readonly string[];
  reason: string;
}

/** The next turn of the route, for people. */
export interface Guidance {
  turn: TurnKind;
  distance_m: number;
  words: string;
}

/** What the crash sensors have felt since boot. */
export interface ImpactState {
  count: number;
  closing_mps: number;
  from_behind: boolean;
}

/** State of the direction indicators. */
export type Indicator = "off" | "left" | "right" | "hazard";

/** One intervention as judged. */
export interface Intervention {
  stamp_ns: number;
  kind: InterventionKind;
  words: string;
}

/** What counts as an intervention, from ground truth. */
export type InterventionKind = "takeover_demand" | "minimal_risk_stop" | "emergency_braking" | "guard_override" | "road_left" | "contact" | "stuck";

/** A rule broken, or a needless emergency braking, as judged. */
export interface JudgeFinding {
  stamp_ns: number;
  kind: FindingKind;
  words: string;
}

/** All signs, lines and mouths that the camera saw at one time. */
export interface LandmarkFrame {
  stamp_ns: number;
  landmarks: readonly LandmarkReturn[];
}

/** What stands or lies still at the road and can be told by a camera. */
export type LandmarkKind = "stop" | "give_way" | "priority" | "limit" | "crossing" | "sign" | "line" | "mouth";

/** A sign, line or mouth as the camera sees it, in the car frame at the frame's stamp. No bounds. */
export interface LandmarkReturn {
  kind: LandmarkKind;
  x_m: number;
  y_m: number;
}

/** The own lane as a camera sees it, relative to the car at the measurement stamp. No bounds. */
export interface LaneReturn {
  stamp_ns: number;
  offset_m: number;
  heading_rad: number;
  curvature_per_m: number;
  width_m: number;
  left_mark: MarkKind;
  right_mark: MarkKind;
  confidence: number;
  lanes_left: number | null;
  lanes_right: number | null;
}

/** What lane departure warning and blind spot detection tell. */
export type LaneWarning = "none" | "left" | "right";

/** All traffic lights that the camera saw at one time. */
export interface LightFrame {
  stamp_ns: number;
  lights: readonly LightReturn[];
}

/** One traffic light as the camera sees it, in the car frame at the frame's stamp. No bounds. */
export interface LightReturn {
  x_m: number;
  y_m: number;
  z_m: number;
  state: LightState;
  confidence: number;
}

/** What a traffic light shows. */
export type LightState = "off" | "red" | "red_amber" | "green" | "amber" | "unknown";

/** Position of the light switch. */
export type LightSwitch = "off" | "position" | "daytime" | "auto" | "beam";

/** What one traffic light truly shows. */
export interface LightTruth {
  signal: string;
  state: LightState;
}

/** Lamps outside that the body switches; indicators and brake lights are the car's (`CarState`). */
export interface LightsState {
  switch: LightSwitch;
  parking: boolean;
  running: boolean;
  low: boolean;
  high: boolean;
  fog_front: boolean;
  fog_rear: boolean;
  reverse: boolean;
}

/** What a process of the live car did at one tick, so that a replay can give it the same again. */
export interface LiveStep {
  stamp_ns: number;
  component: string;
  incarnation: number;
  count: number;
  consumed: readonly (readonly [number, number])[];
  produced: readonly (readonly [number, number])[];
}

/** Where the car is by its own belief: in the world and on its corridor. */
export interface Localization {
  stamp_ns: number;
  x_m: number;
  y_m: number;
  yaw_rad: number;
  speed_mps: number;
  yaw_rate_rps: number;
  station_m: number;
  offset_m: number;
  heading_error_rad: number;
  sigma_along_m: number;
  sigma_across_m: number;
  lane: string;
  valid: boolean;
  altitude_m: number | null;
}

/** How a lane border is marked. */
export type MarkKind = "none" | "solid" | "broken" | "solid_solid" | "solid_broken" | "broken_solid" | "broken_broken" | "botts_dots" | "curb" | "grass" | "edge";

/** One door mirror. */
export interface MirrorState {
  folded: boolean;
  heated: boolean;
  yaw_pct: number;
  tilt_pct: number;
}

/** What kind of road user or thing an object is. */
export type ObjectClass = "car" | "lorry" | "bus" | "motorcycle" | "cyclist" | "pedestrian" | "obstacle" | "unknown";

/** One object seen by one sensor, in the car frame at the frame's measurement stamp. No bounds. */
export interface ObjectReturn {
  x_m: number;
  y_m: number;
  yaw_rad: number;
  velocity_x_mps: number;
  velocity_y_mps: number;
  length_m: number;
  width_m: number;
  height_m: number;
  object_class: ObjectClass;
  class_confidence: number;
  existence: number;
  brake_lights: boolean;
  indicator: Indicator;
}

/** Engagement and the driver's choices, 20 Hz and at each change. */
export interface PilotState {
  stamp_ns: number;
  engagement: Engagement;
  code: string;
  words: string;
  set_speed_mps: number;
  time_gap_setting_s: number;
  functions: readonly string[];
  ready: boolean;
  blockers: readonly string[];
  blocker_words: readonly string[];
  switched_off: readonly string[];
  escalation: Escalation;
  departure: LaneWarning;
  blind_spot_left: boolean;
  blind_spot_right: boolean;
  assist_curvature_per_m: number;
  degraded: readonly string[];
}

/** The chosen motion over the horizon, in the world frame, sampled at equal times. */
export interface Plan {
  stamp_ns: number;
  time_s: readonly number[];
  x_m: readonly number[];
  y_m: readonly number[];
  yaw_rad: readonly number[];
  curvature_per_m: readonly number[];
  speed_mps: readonly number[];
  accel_mps2: readonly number[];
  stop_path: StopPath;
  target_speed_mps: number;
  limit_mps: number;
  limit_is_default: boolean;
  constraint: Constraint;
  reason: string;
  manoeuvre: string;
  lead_id: number | null;
  gap_m: number | null;
  time_gap_s: number | null;
  confidence: number;
  distance_left_m: number | null;
  arrived: boolean;
  refusals: readonly Refusal[];
  guidance: Guidance | null;
  light: LightState | null;
  rerouted: number;
}

/** How far the car is switched on. */
export type PowerState = "off" | "sleep" | "wake" | "parked" | "ready" | "driving" | "shutdown";

/** A manoeuvre that was considered and not chosen, with the reason as code and as words. */
export interface Refusal {
  manoeuvre: string;
  code: string;
  words: string;
}

/** Buttons and stalks, and the same from a screen. */
export type RequestKind = "engage" | "cancel" | "set_speed" | "set_time_gap" | "indicate" | "switch" | "clear_codes";

/** One seat. */
export interface SeatState {
  occupied: boolean;
  belted: boolean;
  heat_pct: number;
  position_m: number;
  height_m: number;
  recline_rad: number;
  tilt_rad: number;
}

/** Everything that arrived from the sensors at one pilot tick; a missing part did not arrive. */
export interface SensorFrames {
  stamp_ns: number;
  detections: readonly DetectionFrame[];
  lane: LaneReturn | null;
  gnss: GnssReturn | null;
  lights: LightFrame | null;
  landmarks: LandmarkFrame | null;
}

/** What a charging cable leads to. */
export type StationKind = "none" | "ac" | "dc";

/** A path to stop along when the pilot is gone, in the car frame at `stamp_ns`, by distance. */
export interface StopPath {
  stamp_ns: number;
  step_m: number;
  x_m: readonly number[];
  y_m: readonly number[];
  curvature_per_m: readonly number[];
  offset_m: readonly number[];
}

/** One road user that the pilot believes in. */
export interface Track {
  track_id: number;
  object_class: ObjectClass;
  x_m: number;
  y_m: number;
  yaw_rad: number;
  speed_mps: number;
  accel_mps2: number;
  yaw_rate_rps: number;
  length_m: number;
  width_m: number;
  height_m: number;
  existence: number;
  age_s: number;
  unseen_s: number;
  station_m: number | null;
  offset_m: number | null;
  brake_lights: boolean;
  indicator: Indicator;
}

/** All tracks at one stamp, by ascending id. */
export interface Tracks {
  stamp_ns: number;
  tracks: readonly Track[];
}

/** A monitor of the car's port found that something fails, or that it has passed again. */
export interface Trouble {
  stamp_ns: number;
  code: number;
  failed: boolean;
  snapshot: readonly FreezeRecord[];
}

/** One trouble code of a control unit that is present. */
export interface TroubleCode {
  unit: string;
  unit_words: string;
  code: string;
  name: string;
  words: string;
  status: CodeStatus;
  warns: boolean;
  occurrences: number;
  first: CodeFrame | null;
  latest: CodeFrame | null;
}

/** The car's trouble codes; said when they change, and once a second. */
export interface TroubleCodes {
  stamp_ns: number;
  number: number;
  count: number;
  codes: readonly TroubleCode[];
  may_clear: boolean;
  refused: string;
}

/** One actor's true state. */
export interface TruthObject {
  actor_id: number;
  object_class: ObjectClass;
  x_m: number;
  y_m: number;
  z_m: number;
  yaw_rad: number;
  speed_mps: number;
  accel_mps2: number;
  yaw_rate_rps: number;
  length_m: number;
  width_m: number;
  height_m: number;
  brake_lights: boolean;
  indicator: Indicator;
}

/** The next thing that the route asks for. */
export type TurnKind = "straight" | "left" | "right" | "roundabout" | "merge" | "exit" | "fork" | "arrive";

/** Air in one tyre. */
export interface TyreState {
  pressure_pa: number;
  temperature_k: number;
}

/** What became of an update. */
export type UpdateEnd = "installed" | "rolled_back" | "failed" | "rejected";

/** How far an update is. */
export type UpdatePhase = "idle" | "checking" | "downloading" | "offered" | "waiting" | "installing" | "rebooting" | "trial" | "confirming" | "reverting";

/** One press of a button. */
export interface UpdateRequest {
  stamp_ns: number;
  wish: UpdateWish;
  offer: string;
}

/** How the last update ended. */
export interface UpdateResult {
  end: UpdateEnd;
  title: string;
  at_s: number;
  why: string;
  changes: readonly string[];
  units: readonly string[];
}

/** What the update machine has in hand: at each change, else once a second. */
export interface UpdateState {
  stamp_ns: number;
  phase: UpdatePhase;
  offer: string;
  title: string;
  changes: readonly string[];
  unusable: readonly string[];
  takes_s: number;
  size_bytes: number;
  units: readonly UpdateUnit[];
  done: number;
  left_s: number | null;
  starts_s: number | null;
  reasons: readonly string[];
  locked: boolean;
  can: readonly UpdateWish[];
  refused: string;
  last: UpdateResult | null;
}

/** One control unit or app of an update. */
export interface UpdateUnit {
  unit: string;
  runs: string;
  gets: string;
  does: string;
  done: number;
}

/** What a person may wish. */
export type UpdateWish = "check" | "now" | "tonight" | "later" | "rollback";

/** Position of the wiper stalk. */
export type WiperMode = "off" | "slow" | "medium" | "fast" | "interval" | "rain_sensor";

/** The front wipers. */
export interface WipersState {
  mode: WiperMode;
  intensity: number;
  cycles_per_min: number;
}

/** All actors near the own car, 20 Hz, by ascending id, and the lights near it. */
export interface WorldTruth {
  stamp_ns: number;
  objects: readonly TruthObject[];
  lights: readonly LightTruth[];
}

/** Names of the fields of every message, for checks at run time. */
export const FIELDS: Record<string, readonly string[]> = {
  AebState: ["stamp_ns", "stage", "code", "words", "object_class", "x_m", "y_m", "time_to_contact_s", "needed_mps2"],
  AirState: ["wished_k", "fan_pct", "way"],
  Alert: ["stamp_ns", "alert_id", "level", "words", "cause", "action", "until_ns"],
  AppCard: ["app", "name", "title", "lines", "address"],
  AppCards: ["stamp_ns", "cards"],
  BodyRequest: ["stamp_ns", "item", "place", "value", "word", "who"],
  BodyState: ["stamp_ns", "doors", "seats", "mirrors", "tyres", "window_lock", "hood_pct", "boot_pct", "boot_locked", "lights", "cabin_lights", "wipers", "screen_heat", "horn", "climate", "wheel_heat_pct", "wheel_extension_pct", "wheel_tilt_pct", "charge", "conditioning", "drive", "impact", "refused", "refusal"],
  CabinLights: ["dome", "glove", "ambient", "ambient_pct", "reading", "reading_pct"],
  CanFrame: ["bus", "can_id", "data", "extended"],
  CanFrames: ["stamp_ns", "frames"],
  CarPower: ["stamp_ns", "state", "to", "until_ns", "supply_v", "supply_low"],
  CarState: ["stamp_ns", "speed_mps", "accel_mps2", "lateral_accel_mps2", "yaw_rate_rps", "steer_rad", "gear", "indicator", "hold", "brake_lights", "charge_pct", "range_m", "battery_power_w", "battery_voltage_v", "battery_temperature_k", "odometer_m", "driver", "plugged", "valid"],
  ChargeState: ["flap_open", "cable", "cable_locked", "station", "station_w", "timer", "time_s", "start_s", "why", "limit_pct", "wanted", "power_w", "most_w", "left_s"],
  ClimateState: ["cabin_k", "ambient_k", "left", "right", "on", "recirculation", "defrost", "power_w"],
  CockpitAeb: ["stage", "words", "object_class", "time_to_contact_s"],
  CockpitBar: ["from_x_m", "from_y_m", "to_x_m", "to_y_m", "z_m", "solid"],
  CockpitCar: ["stamp_ns", "speed_mps", "accel_mps2", "gear", "indicator", "brake_lights", "hold", "charge_pct", "range_m", "battery_power_w", "steer_rad", "accelerator", "brake", "hands_on", "eyes_on", "valid"],
  CockpitCharge: ["station", "power_w", "limit_pct", "left_s", "starts_s", "why", "cabin", "battery"],
  CockpitCodes: ["number", "count", "codes", "may_clear", "refused"],
  CockpitControl: ["kind", "value"],
  CockpitEgo: ["stamp_ns", "x_m", "y_m", "z_m", "yaw_rad", "grade", "yaw_rate_rps", "speed_mps", "length_m", "width_m", "rear_overhang_m", "valid"],
  CockpitEnergy: ["range_m", "arrival_pct", "arrival_low_pct", "arrival_high_pct", "reaches", "advice"],
  CockpitFrame: ["schema", "sequence", "stamp_ns", "car_age_s", "pilot_age_s", "car", "ego", "tracks_stamp_ns", "tracks", "plan", "pilot", "guard", "stop", "alert", "road_window", "road", "lights", "aeb", "route_number", "route", "codes", "energy", "charge", "apps", "update", "replay"],
  CockpitGuard: ["source", "limited", "reason"],
  CockpitHands: ["accelerator", "brake", "wheel", "hands_on", "eyes_on"],
  CockpitLight: ["x_m", "y_m", "z_m", "state"],
  CockpitLine: ["piece", "kind", "colour", "width_m", "dash_m", "gap_m", "phase_m", "edge", "origin_x_m", "origin_y_m", "origin_z_m", "points"],
  CockpitPainted: ["sequence"],
  CockpitPilot: ["engagement", "code", "words", "set_speed_mps", "time_gap_setting_s", "functions", "ready", "blockers", "blocker_words", "switched_off", "escalation", "departure", "blind_spot_left", "blind_spot_right"],
  CockpitPlan: ["stamp_ns", "x_m", "y_m", "z_m", "accel_mps2", "lane", "target_speed_mps", "limit_mps", "limit_is_default", "constraint", "reason", "manoeuvre", "lead_id", "gap_m", "time_gap_s", "confidence", "distance_left_m", "arrived", "guidance", "rerouted"],
  CockpitPost: ["signal", "x_m", "y_m", "z_m", "heading_rad"],
  CockpitPress: ["kind", "value", "indicator", "function"],
  CockpitReplay: ["name", "paused", "speed", "position_s", "length_s"],
  CockpitRoad: ["lines", "surfaces", "left_hand", "posts", "bars", "zebras"],
  CockpitRoute: ["x_m", "y_m"],
  CockpitSeat: ["taken"],
  CockpitStop: ["stands", "words", "reason"],
  CockpitSurface: ["piece", "kind", "origin_x_m", "origin_y_m", "origin_z_m", "left", "right"],
  CockpitTrack: ["track_id", "object_class", "x_m", "y_m", "z_m", "yaw_rad", "speed_mps", "accel_mps2", "yaw_rate_rps", "length_m", "width_m", "height_m", "confidence", "brake_lights", "indicator", "ghost"],
  CockpitUpdate: ["state", "silent"],
  CockpitWish: ["wish", "offer"],
  CockpitZebra: ["x_m", "y_m", "z_m", "signalled"],
  CodeFrame: ["stamp_ns", "drives_ago", "speed_mps", "charge_pct", "supply_v", "odometer_m"],
  Command: ["stamp_ns", "accel_mps2", "curvature_per_m", "gear", "indicator", "hold"],
  ConditioningState: ["battery", "battery_s", "active", "heater_w", "target_k", "cabin_s", "cabin_active"],
  Contact: ["stamp_ns", "actor_id", "object_class", "closing_mps", "struck_from_behind"],
  ContactVerdict: ["stamp_ns", "actor_id", "object_class", "impact_mps", "at_fault", "code", "words"],
  DetectionFrame: ["sensor", "stamp_ns", "objects"],
  DoorState: ["open_pct", "locked", "child_locked", "window_pct"],
  DriveState: ["motor_rps", "motor_nm", "motor_w", "loss_w", "consumed_j", "recovered_j", "charged_j", "trip_m"],
  DriverControls: ["accelerator", "brake", "wheel_torque_nm", "wheel_angle_rad", "hands_on", "eyes_on", "belted", "door_closed"],
  DriverRequest: ["stamp_ns", "kind", "value", "indicator", "function"],
  EgoTruth: ["stamp_ns", "x_m", "y_m", "z_m", "yaw_rad", "pitch_rad", "roll_rad", "speed_mps", "lateral_speed_mps", "accel_mps2", "lateral_accel_mps2", "yaw_rate_rps", "steer_rad", "length_m", "width_m", "rear_overhang_m", "indicator"],
  EnergyArrival: ["distance_m", "drive_s", "energy_j", "charge_pct", "low_pct", "high_pct"],
  EnergyState: ["stamp_ns", "range_m", "arrival", "reaches", "stops", "advice", "learned_m"],
  EnergyStop: ["name", "ahead_m", "arrive_pct", "leave_pct", "charge_s"],
  FlashUse: ["stamp_ns", "written_bytes", "day_most_bytes", "owners", "counted_bytes", "measured_bytes", "left_years", "budget_years", "clips", "clips_bytes", "refused"],
  FreezeRecord: ["did", "record"],
  GnssReturn: ["stamp_ns", "x_m", "y_m", "z_m", "yaw_rad", "sigma_m"],
  GuardDecision: ["stamp_ns", "source", "command", "limited", "limits", "reason"],
  Guidance: ["turn", "distance_m", "words"],
  ImpactState: ["count", "closing_mps", "from_behind"],
  Intervention: ["stamp_ns", "kind", "words"],
  JudgeFinding: ["stamp_ns", "kind", "words"],
  LandmarkFrame: ["stamp_ns", "landmarks"],
  LandmarkReturn: ["kind", "x_m", "y_m"],
  LaneReturn: ["stamp_ns", "offset_m", "heading_rad", "curvature_per_m", "width_m", "left_mark", "right_mark", "confidence", "lanes_left", "lanes_right"],
  LightFrame: ["stamp_ns", "lights"],
  LightReturn: ["x_m", "y_m", "z_m", "state", "confidence"],
  LightTruth: ["signal", "state"],
  LightsState: ["switch", "parking", "running", "low", "high", "fog_front", "fog_rear", "reverse"],
  LiveStep: ["stamp_ns", "component", "incarnation", "count", "consumed", "produced"],
  Localization: ["stamp_ns", "x_m", "y_m", "yaw_rad", "speed_mps", "yaw_rate_rps", "station_m", "offset_m", "heading_error_rad", "sigma_along_m", "sigma_across_m", "lane", "valid", "altitude_m"],
  MirrorState: ["folded", "heated", "yaw_pct", "tilt_pct"],
  ObjectReturn: ["x_m", "y_m", "yaw_rad", "velocity_x_mps", "velocity_y_mps", "length_m", "width_m", "height_m", "object_class", "class_confidence", "existence", "brake_lights", "indicator"],
  PilotState: ["stamp_ns", "engagement", "code", "words", "set_speed_mps", "time_gap_setting_s", "functions", "ready", "blockers", "blocker_words", "switched_off", "escalation", "departure", "blind_spot_left", "blind_spot_right", "assist_curvature_per_m", "degraded"],
  Plan: ["stamp_ns", "time_s", "x_m", "y_m", "yaw_rad", "curvature_per_m", "speed_mps", "accel_mps2", "stop_path", "target_speed_mps", "limit_mps", "limit_is_default", "constraint", "reason", "manoeuvre", "lead_id", "gap_m", "time_gap_s", "confidence", "distance_left_m", "arrived", "refusals", "guidance", "light", "rerouted"],
  Refusal: ["manoeuvre", "code", "words"],
  SeatState: ["occupied", "belted", "heat_pct", "position_m", "height_m", "recline_rad", "tilt_rad"],
  SensorFrames: ["stamp_ns", "detections", "lane", "gnss", "lights", "landmarks"],
  StopPath: ["stamp_ns", "step_m", "x_m", "y_m", "curvature_per_m", "offset_m"],
  Track: ["track_id", "object_class", "x_m", "y_m", "yaw_rad", "speed_mps", "accel_mps2", "yaw_rate_rps", "length_m", "width_m", "height_m", "existence", "age_s", "unseen_s", "station_m", "offset_m", "brake_lights", "indicator"],
  Tracks: ["stamp_ns", "tracks"],
  Trouble: ["stamp_ns", "code", "failed", "snapshot"],
  TroubleCode: ["unit", "unit_words", "code", "name", "words", "status", "warns", "occurrences", "first", "latest"],
  TroubleCodes: ["stamp_ns", "number", "count", "codes", "may_clear", "refused"],
  TruthObject: ["actor_id", "object_class", "x_m", "y_m", "z_m", "yaw_rad", "speed_mps", "accel_mps2", "yaw_rate_rps", "length_m", "width_m", "height_m", "brake_lights", "indicator"],
  TyreState: ["pressure_pa", "temperature_k"],
  UpdateRequest: ["stamp_ns", "wish", "offer"],
  UpdateResult: ["end", "title", "at_s", "why", "changes", "units"],
  UpdateState: ["stamp_ns", "phase", "offer", "title", "changes", "unusable", "takes_s", "size_bytes", "units", "done", "left_s", "starts_s", "reasons", "locked", "can", "refused", "last"],
  UpdateUnit: ["unit", "runs", "gets", "does", "done"],
  WipersState: ["mode", "intensity", "cycles_per_min"],
  WorldTruth: ["stamp_ns", "objects", "lights"],
};
