// edgehop knows what it listens on itself, by every address of this machine.
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { followOwnServers, isOwnAddress } from '../../agent/own-ports.ts';

followOwnServers();

test('what listens here is our own by every address of this machine, until it is closed', async () => {
  const server = await listening();
  const { port } = server.address() as AddressInfo;
  const here = Object.values(networkInterfaces()).flatMap((card) => card?.map(({ address }) => address) ?? []);
  for (const address of ['127.0.0.1', '127.8.8.8', '0.0.0.0', '::1', '::', ...here]) {
    expect(isOwnAddress(address, port, noOther), address).toBe(true);
  }
  server.close();
  await once(server, 'close');
  expect(isOwnAddress('127.0.0.1', port, noOther)).toBe(false);
});

test('the same port elsewhere, and another port here, are not our own', async () => {
  const server = await listening();
  const { port } = server.address() as AddressInfo;
  expect(isOwnAddress('192.0.2.1', port, noOther)).toBe(false);
  expect(isOwnAddress('2001:db8::1', port, noOther)).toBe(false);
  expect(isOwnAddress('127.0.0.1', port === 1 ? 2 : 1, noOther)).toBe(false);
  server.close();
});

test('the ports of the embedded edge are our own although another process listens on them', () => {
  expect(isOwnAddress('127.0.0.1', 1, isFurther)).toBe(true);
  expect(isOwnAddress('192.0.2.1', 1, isFurther)).toBe(false);
});

const noOther = () => false;
const isFurther = (port: number) => port === 1 || port === 2;

async function listening(): Promise<Server> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
