/** Whether this is Node (or a runtime that says it is), its worker threads included; false in browsers. */
export function isNode(): boolean {
  return typeof process !== "undefined" && process.versions?.node !== undefined;
}
