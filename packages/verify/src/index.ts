export type { AccuracyOptions, LabelAccuracy, Metric, MetricAccuracy, Outputs } from "./accuracy/accuracy-options.js";
export type { Interval } from "./accuracy/bootstrap.js";
export { type PairedDifference, pairedDifference } from "./accuracy/paired-difference.js";
export { type Scorer, scorerOf } from "./accuracy/scorer.js";
export type { CertifiedWeightFinding } from "./certificate/audit-certificate.js";
export type { Certificate, CertifiedWeight } from "./certificate/certificate.js";
export { type CertificateRequest, encodeCertificate, issueCertificate } from "./certificate/issue-certificate.js";
export { parseCertificate } from "./certificate/parse-certificate.js";
export { verifyCertified } from "./certificate/verify-certified.js";
export type {
  AccuracyFigures,
  BackendFigures,
  BackendFinding,
  CertificateFigures,
  Check,
  CheckFigures,
  FailedCheck,
  OutputDistance,
  OutputFigures,
  PassedCheck,
  SkippedCheck,
  SparsityFigures,
} from "./check.js";
export { type CompressedSize, compressedModelSize, compressedSize } from "./compressed-size.js";
export { formatJunit, type JunitOptions } from "./format-junit.js";
export { formatMarkdown, type MarkdownOptions } from "./format-markdown.js";
export { formatChecks, formatVerification } from "./format-verification.js";
export { measureLatency } from "./measure-latency.js";
export { type Loadings, measureModels } from "./measure-models.js";
export type { PrunerUnderTest, VerifyOptions, VerifyProgress } from "./options.js";
export { OutputMeter } from "./output-distance.js";
export { readJudged } from "./reading/read-judged.js";
export type { Reading, ReadTensor } from "./reading/reading.js";
export type { BackendLatency, ByModel, Latency, Speedup, Verification } from "./verification.js";
export { isVerifyError, VerifyError, type VerifyErrorCode, type VerifyErrorContext } from "./verify-error.js";
export { verifyPruned } from "./verify-pruned.js";
