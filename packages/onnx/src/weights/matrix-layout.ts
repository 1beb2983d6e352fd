/** One axis of a weight's buffer; structurally the `Axis` of `@espalier/core`. */
export interface WeightAxis {
  /** Number of entries along the axis, at least 1. */
  readonly size: number;
  /** `out` steps through output channels, `in` through input channels, `kernel` through the positions of a convolution kernel. */
  readonly role: "out" | "in" | "kernel";
  /** What one step along this axis adds to the out-channel index (`out`) or to the in-feature index (`in`, `kernel`). */
  readonly step: number;
}

/** How an operator reads a tensor as a matrix: `axes` factor the tensor row-major, outermost first. */
export interface MatrixLayout {
  readonly outChannels: number;
  readonly inFeatures: number;
  /** Runs of `outChannels / groups` consecutive out channels that have inputs of their own. */
  readonly groups: number;
  readonly axes: readonly WeightAxis[];
}

/**
 * The one way to write down these axes: axes of size 1 left out, neighbours of one role merged where the outer steps over
 * exactly what the inner spans, and an `out` and an `in` axis of size 1 put in where there is none.
 */
export function canonicalAxes(axes: readonly WeightAxis[]): WeightAxis[] {
  const merged: WeightAxis[] = [];
  for (const axis of axes) {
    if (axis.size === 1) continue;
    const outer = merged.at(-1);
    if (outer?.role === axis.role && outer.step === axis.step * axis.size) {
      merged[merged.length - 1] = { ...axis, size: outer.size * axis.size };
    } else {
      merged.push(axis);
    }
  }
  return withBothRoles(merged);
}

function withBothRoles(axes: readonly WeightAxis[]): WeightAxis[] {
  const complete = [...axes];
  if (!axes.some(({ role }) => role === "out")) complete.unshift({ size: 1, role: "out", step: 1 });
  if (!axes.some(({ role }) => role === "in")) {
    const kernel = complete.findIndex(({ role }) => role === "kernel");
    const positions = axes.reduce((product, { role, size }) => (role === "kernel" ? product * size : product), 1);
    complete.splice(kernel < 0 ? complete.length : kernel, 0, { size: 1, role: "in", step: positions });
  }
  return complete;
}

/** Whether two canonical layouts put every entry at the same place of the same matrix. */
export function sameLayout(a: MatrixLayout, b: MatrixLayout): boolean {
  const sameAxis = (axis: WeightAxis, index: number): boolean => {
    const other = b.axes[index];
    return axis.role === other?.role && axis.size === other.size && axis.step === other.step;
  };
  return a.groups === b.groups && a.axes.length === b.axes.length && a.axes.every(sameAxis);
}

/** A layout in a few words, such as `[in 256, out 768]`; `exact` adds the steps. */
export function describeLayout(layout: MatrixLayout, detail: "short" | "exact" = "short"): string {
  const exact = detail === "exact";
  const axes = layout.axes.map(({ role, size, step }) => `${role} ${size}${exact ? ` step ${step}` : ""}`);
  const groups = layout.groups > 1 ? ` in ${layout.groups} groups` : "";
  return `[${axes.join(", ")}]${groups}`;
}
