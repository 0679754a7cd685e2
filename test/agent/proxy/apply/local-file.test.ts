// A file as content: at the pace of its reader, cut where it is cut, closed whatever happens.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { rename, symlink, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LocalFile, openFile, openWithin } from '../../../../agent/proxy/apply/local-file.ts';
import type { Sink } from '../../../../agent/proxy/ports.ts';
import type { Piece } from '../../../../http/caching/reply.ts';
import type { ProxyError } from '../../../../http/proxy-error.ts';

const isRoot = process.getuid?.() === 0;
if (isRoot) console.warn('skipped: a file that may not be read, for root may read every file');

const size = 200_000;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'edgehop-file-'));
  mkdirSync(join(folder, 'in', 'sub'), { recursive: true });
  writeFileSync(join(folder, 'in', 'a.js'), Buffer.alloc(size, 'abcdefgh'));
  writeFileSync(join(folder, 'in', '..b'), 'b');
  writeFileSync(join(folder, 'out.txt'), 'out');
  symlinkSync(join(folder, 'out.txt'), join(folder, 'in', 'out.txt'));
  symlinkSync('a.js', join(folder, 'in', 'same.js'));
  symlinkSync('round', join(folder, 'in', 'round'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('opening', () => {
  test('a folder that becomes a link to elsewhere while it is asked for gives nothing of elsewhere', async () => {
    const [inside, moved] = [join(folder, 'in', 'moving'), join(folder, 'in', 'moved')];
    mkdirSync(inside);
    mkdirSync(join(folder, 'elsewhere'));
    writeFileSync(join(inside, 'a.txt'), 'inside');
    writeFileSync(join(folder, 'elsewhere', 'a.txt'), 'of elsewhere');
    let isOver = false;
    const swapping = (async () => {
      while (!isOver) {
        await rename(inside, moved);
        await symlink(join(folder, 'elsewhere'), inside);
        await unlink(inside);
        await rename(moved, inside);
      }
    })();
    const octets = new Set<number | string>();
    for (let attempts = 0; attempts < 3_000; attempts++) {
      const found = await openWithin(join(folder, 'in'), ['moving', 'a.txt']);
      octets.add(found.kind === 'file' ? found.file.octets : found.kind);
      if (found.kind === 'file') found.file.close();
    }
    isOver = true;
    await swapping;
    rmSync(inside, { recursive: true });
    expect([...octets]).not.toContain('of elsewhere'.length);
  });

  test('a file says what it is', async () => {
    const file = await opened('a.js');
    expect([file.octets, file.type]).toEqual([size, 'text/javascript; charset=utf-8']);
    expect(file.tag).toMatch(/^"30d40-[0-9a-f]+"$/);
    file.close();
  });

  test.each([
    ['sub', 'folder'],
    ['nothing', 'missing'],
    ['a.js/x', 'missing'],
    ['round', 'missing'],
    ['out.txt', 'outside'],
    ['../out.txt', 'outside'],
    ['..', 'outside'],
    ['..b', 'file'],
    ['same.js', 'file'],
    ['x'.repeat(300), 'missing'],
  ])('within a folder: %s is %s', async (name, kind) => {
    const result = await openWithin(join(folder, 'in'), name.split('/'));
    if (result.kind === 'file') result.file.close();
    expect(result.kind).toBe(kind);
  });

  test('a file elsewhere, where the rule itself names it', async () => {
    const result = await openFile(join(folder, 'in', 'out.txt'));
    expect(result.kind).toBe('file');
    if (result.kind === 'file') result.file.close();
  });

  test.skipIf(isRoot)('a file that may not be read', async () => {
    writeFileSync(join(folder, 'in', 'locked'), 'x');
    chmodSync(join(folder, 'in', 'locked'), 0);
    expect(await openWithin(join(folder, 'in'), ['locked'])).toEqual({ kind: 'forbidden' });
  });

  test.skipIf(process.platform === 'win32')('what is no file is not read', async () => {
    expect(await openFile('/dev/null')).toEqual({ kind: 'forbidden' });
  });
});

describe('content', () => {
  test('comes whole', async () => {
    const { octets, ending } = await poured(await opened('a.js'), [{ first: 0, last: size - 1 }]);
    expect(octets.equals(Buffer.alloc(size, 'abcdefgh'))).toBe(true);
    expect(ending).toBe('end');
  });

  test('comes in pieces, with text between them', async () => {
    const pieces: Piece[] = [{ text: 'é:' }, { first: 2, last: 3 }, { text: '|' }, { first: size - 1, last: size - 1 }];
    const { octets, ending } = await poured(await opened('a.js'), pieces);
    expect([octets.toString('latin1'), ending]).toEqual(['é:cd|h', 'end']);
  });

  test('waits for a reader that is slower', async () => {
    let waits = 0;
    const { octets } = await poured(await opened('a.js'), [{ first: 0, last: size - 1 }], (content) => {
      waits++;
      setImmediate(() => content.resume());
      return false;
    });
    expect(octets.length).toBe(size);
    expect(waits).toBe(Math.ceil(size / 65_536));
  });

  test('of a file that has become shorter is cut, never a clean end', async () => {
    writeFileSync(join(folder, 'in', 'shrinks'), 'x'.repeat(100));
    const file = await opened('shrinks');
    truncateSync(join(folder, 'in', 'shrinks'), 40);
    const { octets, ending } = await poured(file, [{ first: 0, last: 99 }]);
    expect([octets.length, ending]).toEqual([40, 'http_response_incomplete']);
  });

  test('that is cancelled ends there, before it has begun and while it waits', async () => {
    const file = await opened('a.js');
    file.content([{ first: 0, last: 1 }]).cancel();
    await expect
      .poll(async () => (await poured(file, [{ first: 0, last: 0 }])).ending)
      .toBe('http_response_incomplete');
    const other = await opened('a.js');
    const { octets, ending } = await poured(other, [{ first: 0, last: size - 1 }], (content) => {
      content.cancel();
      return false;
    });
    expect([octets.length, ending]).toEqual([65_536, 'cancelled']);
  });
});

async function opened(name: string): Promise<LocalFile> {
  const result = await openWithin(join(folder, 'in'), [name]);
  if (result.kind !== 'file') throw new Error(result.kind);
  return result.file;
}

interface Poured {
  readonly octets: Buffer;
  readonly ending: string;
}

function poured(
  file: LocalFile,
  pieces: readonly Piece[],
  onWrite: (content: { resume(): void; cancel(): void }) => boolean = () => true,
): Promise<Poured> {
  return new Promise((resolve) => {
    const written: Buffer[] = [];
    const over = (ending: string) => resolve({ octets: Buffer.concat(written), ending });
    const content = file.content(pieces);
    const handles = {
      resume: () => content.resume(),
      cancel: () => {
        content.cancel();
        setImmediate(over, 'cancelled');
      },
    };
    const sink: Sink = {
      write: (octets) => {
        written.push(octets);
        return onWrite(handles);
      },
      end: () => over('end'),
      fail: (error: ProxyError) => over(error.type),
    };
    content.flow(sink);
  });
}
