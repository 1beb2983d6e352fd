import type { WeightView } from "@espalier/core";

/** Out channel, input channel and kernel position of every buffer index, by counting through the axes. */
export function coordinates(view: WeightView): { out: number; channel: number; kernel: number; feature: number }[] {
  const kernelSize = view.axes.filter(({ role }) => role === "kernel").reduce((total, { size }) => total * size, 1);
  const places: { out: number; channel: number; kernel: number; feature: number }[] = [];
  const walk = (depth: number, out: number, input: number, kernel: number): void => {
    const axis = view.axes[depth];
    if (!axis) {
      places.push({ out, channel: input / kernelSize, kernel, feature: input + kernel });
      return;
    }
    for (let i = 0; i < axis.size; i++) {
      const step = i * axis.step;
      walk(
        depth + 1,
        out + (axis.role === "out" ? step : 0),
        input + (axis.role === "in" ? step : 0),
        kernel + (axis.role === "kernel" ? step : 0),
      );
    }
  };
  walk(0, 0, 0, 0);
  return places;
}

/** What a reference pattern prunes: keys of competing units, units of entries, and how many units go from each competition. */
export interface ReferencePattern {
  /** Entries with the same text go or stay together; units compete within the same `group` text. */
  unit(view: WeightView, place: ReturnType<typeof coordinates>[number], index: number): { group: string; unit: string };
  /** Units that go, of as many as compete. */
  count(units: number): number;
  /** Order of units that tie. */
  order?(view: WeightView, place: ReturnType<typeof coordinates>[number], index: number): number;
}

/** The entries that stay, from importance in f64 and a plain sort. */
export function referenceKept(
  views: readonly WeightView[],
  importances: readonly ArrayLike<number>[],
  pattern: ReferencePattern,
): boolean[][] {
  const units = new Map<
    string,
    { group: string; score: number; order: [number, number]; entries: [number, number][] }
  >();
  for (const [which, view] of views.entries()) {
    for (const [index, place] of coordinates(view).entries()) {
      const { group, unit } = pattern.unit(view, place, index);
      const key = `${group}|${which}|${unit}`;
      const order = pattern.order?.(view, place, index) ?? index;
      const found = units.get(key) ?? { group, score: 0, order: [which, order], entries: [] };
      found.score += importances[which]![index]!;
      found.order[1] = Math.min(found.order[1], order);
      found.entries.push([which, index]);
      units.set(key, found);
    }
  }
  const kept = views.map((view) => coordinates(view).map(() => true));
  for (const competitors of groupsOf(units.values())) {
    competitors.sort((a, b) => a.score - b.score || a.order[0] - b.order[0] || a.order[1] - b.order[1]);
    for (const { entries } of competitors.slice(0, pattern.count(competitors.length))) {
      for (const [which, index] of entries) kept[which]![index] = false;
    }
  }
  return kept;
}

function groupsOf<Unit extends { group: string }>(units: Iterable<Unit>): Unit[][] {
  const groups = new Map<string, Unit[]>();
  for (const unit of units) groups.set(unit.group, [...(groups.get(unit.group) ?? []), unit]);
  return [...groups.values()];
}

/** `total · percent / 100` to the nearest integer, halves down, in whole numbers. */
export function percentOf(total: number, percent: number): number {
  return Math.floor((2 * total * percent + 99) / 200);
}
