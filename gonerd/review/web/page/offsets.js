// Offsets of records are code points; those of JavaScript are UTF-16 units. They differ by one for
// every astral character before them.

export class Offsets {
  constructor(text) {
    this.units = text.length;
    const astral = [];
    if (/[\ud800-\udbff]/.test(text)) {
      const pairs = /[\ud800-\udbff][\udc00-\udfff]/g;
      while (pairs.exec(text)) astral.push(pairs.lastIndex - 2);
    }
    // Units and code points of each astral character, both rising.
    this.unitsOf = Int32Array.from(astral);
    this.pointsOf = Int32Array.from(astral, (unit, before) => unit - before);
    this.points = text.length - astral.length;
  }

  /** Turn code points into units. */
  toUnits(point) {
    return point + below(this.pointsOf, point);
  }

  /** Turn units into code points; the middle of a character is its beginning. */
  toPoints(unit) {
    return unit - below(this.unitsOf, unit);
  }
}

/** Count the numbers of a rising list that are less than one. */
export function below(list, value) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
