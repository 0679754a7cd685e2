// What parts several ranges of one content in an answer.
import { randomBytes } from 'node:crypto';

const boundaryBytes = 18;

/** Another one each time, of 36 hexadecimal digits: nobody can have put it into the content. RFC 2046 5.1.1. */
export function boundary(): string {
  return randomBytes(boundaryBytes).toString('hex');
}
