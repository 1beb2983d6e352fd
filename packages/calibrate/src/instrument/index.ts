export { instrument } from "./instrument.js";
export {
  gramBytes,
  type InstrumentOptions,
} from "./instrumentation.js";
