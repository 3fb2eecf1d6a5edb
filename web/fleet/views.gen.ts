// Made by `python -m tests.cloud.screens`; do not edit.

/** The audit log, read from its first line to its last: none is changed or missing. */
export interface AuditCheckView {
  lines: number;
  digest: string;
}

/** One line of the audit log. */
export interface AuditLine {
  number: number;
  at_s: number;
  by: string;
  act: string;
  about: string;
  data: Readonly<Record<string, unknown>>;
}

/** A campaign in a list. */
export interface CampaignLine {
  campaign: string;
  title: string;
  release: string;
  phase: Phase;
  reason: string;
  revision: number;
  cars: number;
  good: number;
  errors: number;
  in_flight: number;
  wave: string;
}

/** A campaign, whole. */
export interface CampaignView {
  campaign: string;
  title: string;
  release: string;
  phase: Phase;
  reason: string;
  revision: number;
  cars: number;
  good: number;
  errors: number;
  in_flight: number;
  wave: string;
  digest: string;
  plan: Plan;
  authors: readonly string[];
  asked_by: string;
  approved_by: string;
  told: number;
  late: number;
  most_errors: number;
  waves: readonly WaveView[];
  health: readonly HealthView[];
  verbs: readonly VerbView[];
}

/** A car in a list. */
export interface CarLine {
  car: string;
  groups: readonly string[];
  attributes: Readonly<Record<string, string>>;
  seen_s: number | null;
  protocol: string;
  runs: Readonly<Record<string, string>>;
}

/** Where one car is; of two things that a car says of one try, the later in this order holds, whichever came first. */
export type CarState = "waiting" | "told" | "busy" | "lost" | "canceled" | "refused" | "watched" | "well" | "again" | "failed" | "unwell" | "has";

/** A car, whole. */
export interface CarView {
  car: string;
  groups: readonly string[];
  attributes: Readonly<Record<string, string>>;
  seen_s: number | null;
  protocol: string;
  runs: Readonly<Record<string, string>>;
  tasks: readonly TaskView[];
  history: readonly ChangeView[];
  attacks: Readonly<Record<string, string>>;
  refused: number;
  why_refused: string;
}

/** Cars. */
export interface CarsPage {
  cars: readonly CarLine[];
  next: string;
  total: number;
}

/** A program of a car that came or went. */
export interface ChangeView {
  at_s: number;
  unit: string;
  before: string;
  after: string;
}

/** A delta in the making. */
export interface DeltaView {
  base: string;
  target: string;
  cars: number;
  state: string;
  share: number;
  length: number;
  reason: string;
}

/** What was wrong, for people. */
export interface ErrorView {
  error: string;
}

/** Cars of a campaign with one reason. */
export interface FailureView {
  state: CarState;
  reason: string;
  cars: number;
  examples: readonly string[];
}

/** One file of a release. */
export interface FileView {
  name: string;
  length: number;
  sha256: string;
  hardware: string;
  units: readonly string[];
}

/** How a release fits the cars of a filter. */
export interface FitView {
  able: number;
  already: number;
  unable: Readonly<Record<string, number>>;
}

/** The whole fleet in a few numbers. */
export interface FleetView {
  cars: number;
  heard_hour: number | null;
  heard_day: number | null;
  releases: number;
  campaigns: Partial<Readonly<Record<Phase, number>>>;
  audit_lines: number;
  audit_digest: string;
}

/** A rate of something bad among cars that run the update, above which the campaign stops; see `health.py`. */
export interface HealthRule {
  signal: string;
  per: string;
  usual_rate: number;
  bad_ratio: number;
  false_stop: number;
}

/** One rule of health. */
export interface HealthView {
  signal: string;
  per: string;
  usual_rate: number;
  rate: number;
  events: number;
  amount: number;
  evidence_share: number;
}

/** Who asks. */
export interface MeView {
  name: string;
  role: string;
  rights: readonly string[];
}

/** Somebody with a token. */
export interface PersonView {
  name: string;
  role: string;
  made_s: number;
  expires_s: number | null;
  revoked_s: number | null;
}

/** Where a campaign is. */
export type Phase = "draft" | "submitted" | "approved" | "running" | "paused" | "halted" | "stopped" | "finished";

/** A whole campaign. */
export interface Plan {
  campaign_id: string;
  title: string;
  release: string;
  cars: string;
  waves: readonly Wave[];
  concurrency: number;
  patience_s: number;
  watch_s: number;
  tries: number;
  windows: readonly Window[];
  begins_s: number;
  ends_s: number | null;
  confirm: boolean;
  forced: boolean;
  health: readonly HealthRule[];
  unwell: readonly string[];
}

/** Whether a release can be made, asked before its files are sent. */
export interface ReadyView {
  release: string;
  free: boolean;
  unsigned: string;
}

/** A release. */
export interface ReleaseView {
  release: string;
  version: string;
  made_s: number;
  by: string;
  files: readonly FileView[];
}

/** A campaign as a record for others: what, to whom, when, with which result (UN R156, 7.1.1, recalled). */
export interface ReportView {
  campaign: CampaignView;
  files: readonly FileView[];
  begun_s: number | null;
  ended_s: number | null;
  acts: readonly AuditLine[];
  failures: readonly FailureView[];
  audit_lines: number;
  audit_digest: string;
  sealed_head: string;
}

/** What one may be let to do. */
export type Right = "read" | "run" | "approve" | "hold" | "admit" | "people";

/** What somebody is let to do. */
export type Role = "viewer" | "operator" | "approver" | "admin";

/** One car's part in a campaign. */
export interface TaskView {
  campaign: string;
  car: string;
  wave: string;
  state: CarState;
  attempt: number;
  reason: string;
  due_s: number | null;
}

/** Cars of a campaign. */
export interface TasksPage {
  tasks: readonly TaskView[];
  next: string;
}

/** A token, told once. */
export interface TokenView {
  name: string;
  token: string;
  again: boolean;
}

/** One thing that the person who asks may do with a campaign, or why not. */
export interface VerbView {
  verb: string;
  why_not: string;
}

/** Some of the cars, told after those of the waves before. */
export interface Wave {
  name: string;
  group: string | null;
  count: number | null;
  share: number | null;
  success_share: number;
  errors_stop: number | null;
  errors_share: number | null;
  rest_s: number;
  then_pause: boolean;
}

/** One wave, as it is now. */
export interface WaveView {
  name: string;
  open: boolean;
  size: number;
  errors: number;
  errors_limit: number;
  good: number;
  good_wanted: number;
  rest_until_s: number | null;
  cars: Partial<Readonly<Record<CarState, number>>>;
}

/** A span of some days of the week, by a clock that is a fixed time ahead of UTC. */
export interface Window {
  days: readonly number[];
  begins_min: number;
  length_min: number;
  ahead_min: number;
}
