/** An event that was too large for a frame comes in pieces, one after the other. */

export class Pieces {
  private texts: string[] = [];

  /** Take the next piece; gives the whole event with the last one, parsed, else undefined. */
  add(index: number, count: number, data: string): unknown {
    if (index === 0) this.texts = [];
    this.texts.push(data);
    if (index !== count - 1 || this.texts.length !== count) return undefined;
    const text = this.texts.join("");
    this.clear();
    try {
      return JSON.parse(text);
    } catch {
      return { type: "part" };
    }
  }

  /** Forget what has come: what is missing of it will not come any more. */
  clear(): void {
    this.texts = [];
  }
}
