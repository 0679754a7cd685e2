// Entries in the order of their latest use; those used last are warm, the others cold.

/** What can stand in the order, in one at a time. */
export interface Linked<T> {
  newer: T | undefined;
  older: T | undefined;
}

/** A list in which every step costs the same, however long it is. Warm members come before all cold ones. */
export class Recency<T extends Linked<T>> {
  #newest: T | undefined;
  #oldest: T | undefined;
  #oldestWarm: T | undefined;

  get oldest(): T | undefined {
    return this.#oldest;
  }

  get oldestWarm(): T | undefined {
    return this.#oldestWarm;
  }

  /** Puts a new or a known member at the front, among the warm. */
  use(member: T): void {
    if (member === this.#newest) {
      this.#oldestWarm ??= member;
      return;
    }
    this.remove(member);
    this.#putBefore(member, this.#newest);
    this.#oldestWarm ??= member;
  }

  /** Puts a new member at the front while none is warm. */
  addCold(member: T): void {
    this.#putBefore(member, this.#newest);
  }

  /** The warm one used longest ago becomes cold. */
  cool(): void {
    this.#oldestWarm = this.#oldestWarm?.newer;
  }

  remove(member: T): void {
    const { newer, older } = member;
    if (newer === undefined && member !== this.#newest) return;
    if (member === this.#oldestWarm) this.#oldestWarm = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    member.newer = undefined;
    member.older = undefined;
  }

  /** The latest used first. Whoever iterates changes nothing meanwhile. */
  *[Symbol.iterator](): Iterator<T> {
    for (let member = this.#newest; member !== undefined; member = member.older) yield member;
  }

  #putBefore(member: T, other: T | undefined): void {
    member.older = other;
    if (other === undefined) this.#oldest = member;
    else other.newer = member;
    this.#newest = member;
  }
}
