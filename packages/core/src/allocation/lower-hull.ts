/** A point of a measured curve. */
export interface CurvePoint {
  readonly x: number;
  readonly y: number;
}

/**
 * The lower convex hull of points: those that no straight line between two others runs below. Its slopes ascend.
 *
 * @param points by ascending x, none twice
 */
export function lowerHull(points: readonly CurvePoint[]): CurvePoint[] {
  const hull: CurvePoint[] = [];
  for (const point of points) {
    while (hull.length >= 2 && !turnsUp(hull.at(-2)!, hull.at(-1)!, point)) hull.pop();
    hull.push(point);
  }
  return hull;
}

function turnsUp(a: CurvePoint, b: CurvePoint, c: CurvePoint): boolean {
  return (b.y - a.y) * (c.x - b.x) < (c.y - b.y) * (b.x - a.x);
}
