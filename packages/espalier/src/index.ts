export {
  type Axis,
  type AxisRole,
  balancedBlocks,
  block,
  type ComparisonGroup,
  CoreError,
  type CoreErrorCode,
  type Criterion,
  columns,
  cubic,
  denseMatrix,
  gradual,
  isCoreError,
  l1,
  l2,
  type Mask,
  nm,
  oneShot,
  type Pattern,
  PruningSession,
  type PruningSessionOptions,
  parsePattern,
  random,
  rows,
  type Schedule,
  type Statistics,
  unstructured,
  type WeightStatistics,
  type WeightView,
  wanda,
} from "@espalier/core";
export { isOnnxError, type Model, OnnxError, type OnnxErrorCode, type PrunableWeight } from "@espalier/onnx";
export {
  isRecoverError,
  type Obs,
  obs,
  RecoverError,
  type RecoverErrorCode,
  type RecoveryMethod,
  type Step,
} from "@espalier/recover";
export { type Backend, isRunnerError, RunnerError, type RunnerErrorCode, type Sample } from "@espalier/runtime";
export {
  type Certificate,
  type Check,
  encodeCertificate,
  formatVerification,
  isVerifyError,
  type Verification,
  VerifyError,
  verifyCertified,
} from "@espalier/verify";
export { collectStatistics } from "./calibrate.js";
export { certify, readCertificate } from "./certificate.js";
export type { SkippedWeight } from "./choose-masks.js";
export { defineConfig, type FlagValue, type RunConfig } from "./config.js";
export { EspalierError, type EspalierErrorCode } from "./errors.js";
export type { ExportCheck } from "./export/check-export.js";
export { type ExportedModel, exportModel } from "./export/export-model.js";
export type { ExportFormat, ExportOptions, ExportValues } from "./export/export-options.js";
export type { ExportedWeight, ExportReport } from "./export/export-report.js";
export type { StatisticsSource } from "./gather-statistics.js";
export { type Eligibility, type InspectedWeight, type Inspection, inspect } from "./inspect.js";
export { type Outlook, outlook, type Prospect } from "./outlook/outlook.js";
export type { ProgressEvent } from "./progress.js";
export {
  type PrunedModel,
  type PrunedWeight,
  type PruneOptions,
  prune,
  type SparsityReport,
} from "./prune.js";
export type { RecoveryOptions } from "./recovery/recovery-options.js";
export type { LayerRecovery, RecoveryReport } from "./recovery/recovery-report.js";
export { measureSensitivities } from "./recovery/sensitivities.js";
export { type SweepReportOptions, shownRow, sweepReport } from "./report/sweep-report.js";
export { type VerifyReportOptions, verifyReport } from "./report/verify-report.js";
export { fromFiles, fromNpz, type SampleSource, type Samples } from "./samples.js";
export type { WeightSelection } from "./select-weights.js";
export { readGrams, readStatistics } from "./statistics.js";
export { sweep } from "./sweep/sweep.js";
export type { SweepOptions } from "./sweep/sweep-options.js";
export type {
  FinishedRow,
  RefusedRow,
  Score,
  SweepCell,
  SweepResult,
  SweepRow,
  SweptAccuracy,
  SweptLayer,
  SweptModel,
} from "./sweep/sweep-result.js";
export { type VerifyOptions, verify } from "./verify.js";
export type { WrittenModel } from "./write.js";
