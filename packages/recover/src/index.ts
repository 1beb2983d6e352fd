export type { Moments } from "./moments.js";
