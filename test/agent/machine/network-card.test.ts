// Which card is the physical one, on machines as people have them.
import { expect, test } from 'vitest';
import { type InterfaceFacts, type MachineFacts, physicalCard } from '../../../agent/machine/network-card.ts';

const lo = software('lo', { mac: '00:00:00:00:00:00', addresses: ['127.0.0.1', '::1'] });
const docker0 = software('docker0', { mac: '02:42:9a:00:00:01', addresses: ['172.17.0.1'] });
const tun0 = software('tun0', { addresses: ['10.8.0.2'] });
const eth0 = device('eth0', 'e1000e', { mac: '8c:16:45:00:00:01' });
const wlan0 = device('wlan0', 'iwlwifi', { mac: '5c:87:9c:00:00:02', addresses: ['fe80::1', '192.168.1.20'] });

test('the card that carries the default route is the one, with its IPv4 address', () => {
  const facts = linux([lo, eth0, wlan0, docker0, tun0], { defaultRoutes: ['wlan0'] });
  expect(physicalCard(facts)).toEqual({
    kind: 'found',
    name: 'wlan0',
    mac: '5c:87:9c:00:00:02',
    address: '192.168.1.20',
    physical: true,
    because: 'default-route',
  });
});

test('when a VPN has taken the default route, the card under the next default route is the one', () => {
  const facts = linux([lo, eth0, wlan0, tun0], { defaultRoutes: ['tun0', 'wlan0'] });
  expect(physicalCard(facts)).toMatchObject({ name: 'wlan0', physical: true, because: 'default-route' });
});

test('when only a VPN has a default route, the first card with an address is the one', () => {
  const facts = linux([lo, eth0, wlan0, tun0], { defaultRoutes: ['tun0'] });
  expect(physicalCard(facts)).toMatchObject({ name: 'wlan0', physical: true, because: 'first-physical' });
});

test('an address that a card gave itself is no sign of a network', () => {
  const cable = { ...eth0, addresses: ['169.254.7.7', 'fe80::7'] };
  expect(physicalCard(linux([cable, wlan0]))).toMatchObject({ name: 'wlan0' });
  expect(physicalCard(linux([cable]))).toMatchObject({ name: 'eth0', address: '169.254.7.7' });
});

test('a tunnel without a MAC lends its address to nobody', () => {
  const card = device('Ethernet', 'Intel(R) I219-LM', { permanentMac: '8c:16:45:00:00:01' });
  expect(physicalCard(linux([card, tun0]))).toMatchObject({ name: 'Ethernet', address: undefined });
});

test('off every network, the first card in the order of the system is the one', () => {
  const idle = { ...wlan0, addresses: [] };
  expect(physicalCard(linux([lo, docker0, eth0, idle]))).toMatchObject({
    name: 'eth0',
    address: undefined,
    physical: true,
    because: 'first-physical',
  });
});

test('a default route over a bridge is carried by the card that is a port of it', () => {
  const tap = software('vnet0', { mac: 'fe:54:00:00:00:01' });
  const port = device('enp3s0', 'r8169', { mac: '8c:16:45:00:00:03' });
  const br0 = software('br0', { mac: '8c:16:45:00:00:03', addresses: ['192.168.1.5'], lowers: ['vnet0', 'enp3s0'] });
  expect(physicalCard(linux([lo, eth0, tap, port, br0], { defaultRoutes: ['br0'] }))).toMatchObject({
    name: 'enp3s0',
    address: '192.168.1.5',
    physical: true,
    because: 'default-route',
  });
});

test('a VLAN on a bond is carried by a member, and the member keeps its own permanent address', () => {
  const shared = '8c:16:45:00:00:0a';
  const member = device('eno2', 'tg3', { mac: shared, permanentMac: '8c:16:45:00:00:0b' });
  const bond0 = software('bond0', { mac: shared, lowers: ['eno2'] });
  const vlan = software('bond0.7', { mac: shared, addresses: ['10.7.0.2'], lowers: ['bond0'] });
  expect(physicalCard(linux([lo, eth0, member, bond0, vlan], { defaultRoutes: ['bond0.7'] }))).toMatchObject({
    name: 'eno2',
    mac: '8c:16:45:00:00:0b',
    address: '10.7.0.2',
    because: 'default-route',
  });
});

test('a random Wi-Fi address gives way to the burnt-in one', () => {
  const hidden = { ...wlan0, mac: 'da:a1:19:00:00:01', permanentMac: '5c:87:9c:00:00:02' };
  expect(physicalCard(linux([hidden], { defaultRoutes: ['wlan0'] }))).toMatchObject({ mac: '5c:87:9c:00:00:02' });
});

test('a locally administered address comes after a maker’s, and is told when there is no other', () => {
  const tethered = device('usb0', 'rndis_host', { mac: '02:1e:10:00:00:01', addresses: ['192.168.42.9'] });
  expect(physicalCard(linux([tethered, wlan0]))).toMatchObject({ name: 'wlan0' });
  expect(physicalCard(linux([tethered]))).toMatchObject({ name: 'usb0', mac: '02:1e:10:00:00:01', physical: true });
});

test.each([
  ['all zero', '00:00:00:00:00:00'],
  ['broadcast', 'ff:ff:ff:ff:ff:ff'],
  ['a group’s', '01:00:5e:00:00:01'],
  ['not six octets', '00:11'],
])('a modem whose address is %s is no card', (_, mac) => {
  const modem = device('wwan0', 'qmi_wwan', { mac, addresses: ['100.64.0.9'] });
  expect(physicalCard(linux([modem, eth0], { defaultRoutes: ['wwan0'] }))).toMatchObject({ name: 'eth0' });
  expect(physicalCard(linux([modem], { defaultRoutes: ['wwan0'] }))).toEqual({
    kind: 'none',
    because: 'no network card among wwan0',
  });
});

test.each([
  'docker0',
  'br-0123456789ab',
  'br0',
  'bridge100',
  'virbr0',
  'veth12ab',
  'vnet3',
  'tun0',
  'tap0',
  'utun4',
  'wg0',
  'tailscale0',
  'zt7nnig34p',
  'ppp0',
  'vmnet8',
  'vmenet0',
  'vboxnet0',
  'vEthernet (WSL)',
  'awdl0',
  'llw0',
  'ap1',
  'anpi0',
  'feth0',
  'ipsec0',
  'dummy0',
  'ifb0',
  'bond0',
  'lo0',
])('%s is never reported as physical, whatever the system says of it', (name) => {
  const shape = { mac: '8c:16:45:00:00:01', addresses: ['10.0.0.1'] };
  for (const one of [device(name, undefined, shape), software(name, shape), unknown(name, shape)]) {
    expect(physicalCard(linux([one], { defaultRoutes: [name] }))).toMatchObject({ kind: 'none' });
  }
});

test.each([
  'Hyper-V Virtual Ethernet Adapter',
  'VirtualBox Host-Only Ethernet Adapter',
  'VMware Virtual Ethernet Adapter for VMnet8',
  'TAP-Windows Adapter V9',
  'Wintun Userspace Tunnel',
  'WireGuard Tunnel',
  'Cisco AnyConnect Secure Mobility Client Virtual Miniport Adapter for Windows x64',
  'Npcap Loopback Adapter',
  'Microsoft Wi-Fi Direct Virtual Adapter',
  'Bluetooth Device (Personal Area Network)',
  'Thunderbolt Bridge',
])('an adapter described as %s is not a card, even when listed as hardware', (label) => {
  const one = device('Ethernet 3', label, { mac: '00:ff:12:00:00:01', addresses: ['10.8.0.6'] });
  expect(physicalCard({ ...linux([one], { defaultRoutes: ['Ethernet 3'] }), platform: 'win32' }).kind).toBe('none');
});

test.each([
  ['QEMU', 'Standard PC (Q35 + ICH9, 2009)', 'QEMU or KVM'],
  ['VMware, Inc.', 'VMware20,1', 'VMware'],
  ['innotek GmbH', 'VirtualBox', 'VirtualBox'],
  ['Microsoft Corporation', 'Virtual Machine', 'Hyper-V'],
  ['Parallels International GmbH.', 'Parallels Virtual Platform', 'Parallels'],
  ['Apple Inc.', 'Apple Virtualization Generic Platform', 'Apple Virtualization'],
  ['Xen', 'HVM domU', 'Xen'],
  ['Amazon EC2', 't3.micro', 'Amazon EC2'],
  ['Google', 'Google Compute Engine', 'Google Compute Engine'],
])('a card in a computer by %s, %s, is not physical', (vendor, product, hypervisor) => {
  const facts = linux([eth0], { computer: { vendor, product, isXenControlDomain: false }, defaultRoutes: ['eth0'] });
  expect(physicalCard(facts)).toEqual({
    kind: 'found',
    name: 'eth0',
    mac: '8c:16:45:00:00:01',
    address: undefined,
    physical: false,
    because: 'virtual-machine',
    reason: `this is a virtual machine of ${hypervisor} (${vendor} ${product})`,
  });
});

test.each([
  ['LENOVO', '20QDCTO1WW'],
  ['Microsoft Corporation', 'Surface Laptop 4'],
  ['Amazon EC2', 'c5.metal'],
  ['Google', 'Eve'],
  [undefined, 'MacBookPro18,3'],
])('a card in a computer by %s, %s, is physical', (vendor, product) => {
  const computer = { ...(vendor !== undefined && { vendor }), product, isXenControlDomain: false };
  expect(physicalCard(linux([eth0], { computer }))).toMatchObject({ physical: true });
});

test('a hypervisor beneath is reason enough, save for Xen’s control domain', () => {
  const computer = { hypervisorSign: 'the CPU reports a hypervisor', isXenControlDomain: false };
  expect(physicalCard(linux([eth0], { computer }))).toMatchObject({
    physical: false,
    because: 'virtual-machine',
    reason: 'this is a virtual machine: the CPU reports a hypervisor',
  });
  const xen0 = linux([eth0], { computer: { ...computer, isXenControlDomain: true } });
  expect(physicalCard(xen0)).toMatchObject({ physical: true });
});

test.each([
  'virtio_net',
  'vmxnet3',
  'hv_netvsc',
  'vif',
  'Microsoft Hyper-V Network Adapter',
  'Red Hat VirtIO Ethernet Adapter',
])('the driver %s alone tells a virtual machine', (driver) => {
  const card = device('eth0', driver, { mac: '52:54:00:12:34:56', addresses: ['10.0.2.15'] });
  expect(physicalCard(linux([card], { defaultRoutes: ['eth0'] }))).toMatchObject({
    physical: false,
    because: 'virtual-machine',
    reason: expect.stringContaining(driver),
  });
});

test('what Docker left in the image of a virtual machine does not make a container of it', () => {
  const card = device('eth0', 'virtio_net', { mac: '02:fc:00:00:00:01', addresses: ['192.0.2.2'] });
  const facts = linux([lo, card], { defaultRoutes: ['eth0'], container: '/.dockerenv exists' });
  expect(physicalCard(facts)).toMatchObject({ name: 'eth0', physical: false, because: 'virtual-machine' });
});

test('in a container, its veth is told as not physical, with the reason', () => {
  const veth = software('eth0', { mac: '02:42:ac:11:00:02', addresses: ['172.17.0.2'] });
  const facts = linux([lo, veth], { defaultRoutes: ['eth0'], container: '/.dockerenv exists' });
  expect(physicalCard(facts)).toEqual({
    kind: 'found',
    name: 'eth0',
    mac: '02:42:ac:11:00:02',
    address: '172.17.0.2',
    physical: false,
    because: 'container',
    reason: 'this is a container: /.dockerenv exists',
  });
});

test('a container with two networks reports the one that leads out, and with none that leads out the first', () => {
  const inner = software('eth0', { mac: '02:42:ac:12:00:02', addresses: ['172.18.0.2'] });
  const outer = software('eth1', { mac: '02:42:ac:11:00:02', addresses: ['172.17.0.2'] });
  const container = '/run/.containerenv exists';
  expect(physicalCard(linux([lo, inner, outer], { defaultRoutes: ['eth1'], container }))).toMatchObject({
    name: 'eth1',
  });
  expect(physicalCard(linux([lo, inner, outer], { container }))).toMatchObject({ name: 'eth0', because: 'container' });
});

test('a container on the host’s network sees the real card', () => {
  const facts = linux([lo, eth0, docker0], { defaultRoutes: ['eth0'], container: '/.dockerenv exists' });
  expect(physicalCard(facts)).toMatchObject({ name: 'eth0', physical: true });
});

test('a card of which the system did not say whether it is hardware is not vouched for', () => {
  const shape = { mac: '5c:87:9c:00:00:02', addresses: ['192.168.1.20'] };
  const facts = { ...linux([unknown('vEthernet (WSL)', shape), unknown('Wi-Fi', shape)]), platform: 'win32' };
  expect(physicalCard(facts)).toMatchObject({
    name: 'Wi-Fi',
    physical: false,
    because: 'unverified',
    reason: 'win32 did not say whether it is hardware',
  });
});

test('tunnels alone are no card, and neither is nothing', () => {
  expect(physicalCard(linux([lo, tun0, docker0], { defaultRoutes: ['tun0'] }))).toEqual({
    kind: 'none',
    because: 'no network card among lo, tun0, docker0',
  });
  expect(physicalCard(linux([]))).toEqual({ kind: 'none', because: 'no network interface' });
});

test('interfaces that name each other as lower end the search', () => {
  const one = software('br0', { mac: '02:00:00:00:00:01', lowers: ['br1'] });
  const other = software('br1', { mac: '02:00:00:00:00:02', lowers: ['br0'] });
  expect(physicalCard(linux([one, other, eth0], { defaultRoutes: ['br0'] }))).toMatchObject({ name: 'eth0' });
});

type Shape = Partial<Pick<InterfaceFacts, 'mac' | 'permanentMac' | 'addresses' | 'lowers'>>;

function linux(interfaces: readonly InterfaceFacts[], more: Partial<MachineFacts> = {}): MachineFacts {
  return { platform: 'linux', interfaces, defaultRoutes: [], computer: { isXenControlDomain: false }, ...more };
}

function device(name: string, label: string | undefined, shape: Shape): InterfaceFacts {
  return { name, addresses: [], lowers: [], ...shape, backing: { kind: 'device', label } };
}

function software(name: string, shape: Shape): InterfaceFacts {
  return { name, addresses: [], lowers: [], ...shape, backing: { kind: 'software' } };
}

function unknown(name: string, shape: Shape): InterfaceFacts {
  return { name, addresses: [], lowers: [], ...shape, backing: { kind: 'unknown' } };
}
