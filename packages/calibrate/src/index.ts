export { decodeStatistics } from "./decode-statistics.js";
export { encodeStatistics } from "./encode-statistics.js";
export {
  isStatisticsError,
  StatisticsError,
  type StatisticsErrorCode,
  type StatisticsErrorContext,
} from "./statistics-error.js";
export type { StatisticsFile, StatisticsHeader, StoredStatistics } from "./statistics-file.js";
