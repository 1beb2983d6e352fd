export { instrument } from "./instrument.js";
export {
  gramBytes,
  type Instrumentation,
  type InstrumentOptions,
  type UnsupportedWeight,
} from "./instrumentation.js";
