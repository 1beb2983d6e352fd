export type { AccuracyOptions, LabelAccuracy, Metric, MetricAccuracy, Outputs } from "./accuracy/accuracy-options.js";
export type { Interval } from "./accuracy/bootstrap.js";
export type {
  AccuracyFigures,
  Check,
  CheckFigures,
  FailedCheck,
  OutputDistance,
  OutputFigures,
  PassedCheck,
  SkippedCheck,
  SparsityFigures,
} from "./check.js";
export { formatJunit, type JunitOptions } from "./format-junit.js";
export { formatMarkdown, type MarkdownOptions } from "./format-markdown.js";
export { formatVerification } from "./format-verification.js";
export type { VerifyOptions, VerifyProgress } from "./options.js";
export type { ByModel, Latency, LatencySummary, Speedup, Verification } from "./verification.js";
export { isVerifyError, VerifyError, type VerifyErrorCode, type VerifyErrorContext } from "./verify-error.js";
export { verifyPruned } from "./verify-pruned.js";
