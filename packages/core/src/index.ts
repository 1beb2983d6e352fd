export { allocatePattern, type PatternAllocationRequest } from "./allocation/allocate-pattern.js";
export { type AllocationRequest, allocateSparsity } from "./allocation/allocate-sparsity.js";
export type {
  AllocatableWeight,
  AllocationEvidence,
  AllocationGoal,
  AllocationStrategy,
  OutlierEvidence,
  Sensitivity,
  Share,
} from "./allocation/allocation.js";
export { outlierShare } from "./allocation/outlier-share.js";
export { ALLOCATION_NAMES, parseAllocation } from "./allocation/registry.js";
export { sparsityStep } from "./allocation/sparsity-step.js";
export type { ComparisonGroup } from "./comparison-group.js";
export { computeMasks, type MaskRequest, requireSupport } from "./compute-masks.js";
export { type Conformance, conforms } from "./conforms.js";
export type { Criterion } from "./criteria/criterion.js";
export { l1 } from "./criteria/l1.js";
export { l2 } from "./criteria/l2.js";
export { CRITERION_NAMES, parseCriterion } from "./criteria/parse-criterion.js";
export { random } from "./criteria/random.js";
export { wanda } from "./criteria/wanda.js";
export { denseMatrix } from "./dense-matrix.js";
export { CoreError, type CoreErrorCode, type CoreErrorContext, isCoreError, type Refusal } from "./errors.js";
export { forEachEntry } from "./layout/for-each-entry.js";
export { describeLocation, type EntryLocation, locate } from "./layout/locate.js";
export { type MatrixLayout, matrixLayout } from "./layout/matrix-layout.js";
export { applyMask } from "./mask/apply-mask.js";
export { and, or } from "./mask/combine.js";
export { nnz, sparsity } from "./mask/count.js";
export { equals } from "./mask/equals.js";
export { hash } from "./mask/hash.js";
export { Mask } from "./mask/mask.js";
export type { WeightMask } from "./mask/weight-mask.js";
export { zeroPruned } from "./mask/zero-pruned.js";
export { balancedBlocks } from "./patterns/balanced-blocks.js";
export { block } from "./patterns/block.js";
export { columns } from "./patterns/columns.js";
export { nm } from "./patterns/nm.js";
export { fixesSparsity, PATTERN_FORMS, parsePattern } from "./patterns/parse-pattern.js";
export type { Evidence, Pattern, Violation } from "./patterns/pattern.js";
export { rows } from "./patterns/rows.js";
export { type UnstructuredOptions, unstructured } from "./patterns/unstructured.js";
export { prunedCount } from "./pruned-count.js";
export {
  type DigestedWeight,
  encodePruningRecord,
  type ParsedPruningRecord,
  PRUNING_RECORD_KEY,
  type PruningOptions,
  type PruningRecord,
  type PruningStep,
  parsePruningRecord,
  weightsDigestChunks,
} from "./pruning-record.js";
export { refusalReason } from "./refusal-reason.js";
export { resolvePattern } from "./resolve-pattern.js";
export { cubic } from "./schedules/cubic.js";
export { gradual } from "./schedules/gradual.js";
export { type OneShotOptions, oneShot } from "./schedules/one-shot.js";
export type { RampOptions } from "./schedules/ramp.js";
export type { Schedule } from "./schedules/schedule.js";
export { PruningSession, type PruningSessionOptions } from "./session/pruning-session.js";
export type { Statistics, WeightStatistics } from "./statistics.js";
export type { Axis, AxisRole, WeightView } from "./weight-view.js";
