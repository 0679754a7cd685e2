// Which network card is this machine's physical one, judged from plain facts about its interfaces.

/**
 * The network card that DESIGN 6 asks for: the one that carries the default route if it is physical, else the first
 * physical one. A card that cannot be vouched for is told as `physical: false` with the reason, never as physical.
 */
export function physicalCard(facts: MachineFacts): PhysicalCard {
  const withMac = facts.interfaces.flatMap(withStationMac);
  const cards = withMac.filter((one) => one.backing.kind === 'device' && !isKnownVirtual(one));
  const carrying = carriesDefaultRoute(facts, cards);
  const card = carrying ?? inUseFirst(cards)[0];
  if (card === undefined) return withoutCard(facts, withMac);
  const reason = virtualMachineSign(facts.computer, card);
  if (reason !== undefined) return unphysical(facts, card, 'virtual-machine', reason);
  const because = carrying === undefined ? 'first-physical' : 'default-route';
  return { ...described(facts, card), physical: true, because };
}

/** `mac` is six octets in lower case with colons: the burnt-in one where the system tells it, else the one in use. */
export type PhysicalCard = (Described & PhysicalBecause) | (Described & UnphysicalBecause) | None;

type Described = { kind: 'found'; name: string; mac: string; address: string | undefined };
type PhysicalBecause = { physical: true; because: 'default-route' | 'first-physical' };
type UnphysicalBecause = {
  physical: false;
  because: 'virtual-machine' | 'container' | 'unverified';
  reason: string;
};
type None = { kind: 'none'; because: string };

export type MachineFacts = {
  readonly platform: string;
  /** In the system's own order. */
  readonly interfaces: readonly InterfaceFacts[];
  /** The interfaces that a default route leaves by, the preferred first. */
  readonly defaultRoutes: readonly string[];
  readonly computer: ComputerFacts;
  /** What says that this is a container, such as `/.dockerenv`. An image may leave it behind in a virtual machine. */
  readonly container?: string;
};

export type InterfaceFacts = {
  readonly name: string;
  /** The address in use: a private Wi-Fi address or one set by software, perhaps. */
  readonly mac?: string;
  readonly permanentMac?: string;
  readonly addresses: readonly string[];
  /** Whether the system says that hardware stands behind it. `label`: driver, hardware port or description. */
  readonly backing: { kind: 'device'; label: string | undefined } | { kind: 'software' } | { kind: 'unknown' };
  /** The interfaces that it is made of: ports of a bridge, members of a bond, the parent of a VLAN. */
  readonly lowers: readonly string[];
};

export type ComputerFacts = {
  /** As SMBIOS names them; on macOS the product is `hw.model`. */
  readonly vendor?: string;
  readonly product?: string;
  /** A sign of a hypervisor beneath, as a clause: `the CPU reports a hypervisor`. */
  readonly hypervisorSign?: string;
  /** Xen's control domain runs on a hypervisor too, and owns the real cards. */
  readonly isXenControlDomain: boolean;
};

type Card = InterfaceFacts & { readonly station: string };

/** With the address that names it, if it has one that a station can have: not all zero, not a group's. */
function withStationMac(one: InterfaceFacts): Card[] {
  const station = [one.permanentMac, one.mac].find(isStationMac);
  return station === undefined ? [] : [{ ...one, station }];
}

function isStationMac(mac: string | undefined): mac is string {
  if (mac === undefined || !/^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac)) return false;
  return mac !== '00:00:00:00:00:00' && (firstOctet(mac) & 1) === 0;
}

/** The second guard: macOS lists bridges among its hardware ports, and some VPN drivers on Windows claim to be hardware. */
function isKnownVirtual({ name, backing }: InterfaceFacts): boolean {
  if (virtualNames.test(name)) return true;
  return backing.kind === 'device' && backing.label !== undefined && virtualLabels.test(backing.label);
}

const virtualNames =
  /^(?:lo\d*$|docker|podman|cni|flannel|cali|lxc|lxd|br-|br\d|bridge|virbr|vnet|veth|vmnet|vmenet|vboxnet|vEthernet|tun|tap|utun|ipsec|wg\d|tailscale|zt|nordlynx|ppp|awdl|llw|ap\d|anpi|feth|gif|stf|sit|gre|ip6tnl|dummy|ifb|bond|team|macvlan|macvtap|ipvlan|vlan)/;

const virtualLabels =
  /\bvirtual\b|host-only|\btap-|wintun|wireguard|vpn|tunnel|loopback|bluetooth|\bbridge\b|netdevsim|hwsim/i;

/** The card under the preferred default route that has one. A VPN's tunnel has none, so the next route is asked. */
function carriesDefaultRoute(facts: MachineFacts, cards: readonly Card[]): Card | undefined {
  for (const name of facts.defaultRoutes) {
    const card = cards.find((one) => one.name === name) ?? cardBeneath(facts, name, cards);
    if (card !== undefined) return card;
  }
  return undefined;
}

/**
 * The card that a bridge, bond or VLAN sends by. Windows tells no lower interface: there a vEthernet on an external
 * switch is known by the card's own address, which it takes over.
 */
function cardBeneath(facts: MachineFacts, name: string, cards: readonly Card[]): Card | undefined {
  const upper = facts.interfaces.find((one) => one.name === name);
  if (upper === undefined) return undefined;
  const beneath = lowersOf(facts, upper, new Set());
  const listed = cards.find((one) => beneath.has(one.name));
  return listed ?? cards.find((one) => one.mac === upper.mac && isStationMac(upper.mac));
}

function lowersOf(facts: MachineFacts, upper: InterfaceFacts, seen: Set<string>): ReadonlySet<string> {
  for (const name of upper.lowers) {
    if (seen.has(name)) continue;
    seen.add(name);
    const lower = facts.interfaces.find((one) => one.name === name);
    if (lower !== undefined) lowersOf(facts, lower, seen);
  }
  return seen;
}

/**
 * The order behind "the first physical": what has an address before what is unplugged, then a maker's address before
 * a locally administered one (Apple's idle Thunderbolt ports, tethered phones), then the system's own order.
 */
function inUseFirst(cards: readonly Card[]): readonly Card[] {
  const rank = (one: Card) => (one.addresses.some(isRoutable) ? 0 : 2) + (isLocallyAdministered(one.station) ? 1 : 0);
  return cards.toSorted((left, right) => rank(left) - rank(right));
}

function isRoutable(address: string): boolean {
  return !/^(?:127\.|169\.254\.|fe[89ab][0-9a-f]:|::1$)/i.test(address);
}

function isLocallyAdministered(mac: string): boolean {
  return (firstOctet(mac) & 2) !== 0;
}

function firstOctet(mac: string): number {
  return Number.parseInt(mac.slice(0, 2), 16);
}

/** What says that this card belongs to a virtual machine. A card passed through to one counts too (DESIGN 6). */
function virtualMachineSign(computer: ComputerFacts, card: InterfaceFacts): string | undefined {
  if (computer.isXenControlDomain) return undefined;
  const model = [computer.vendor, computer.product].filter((part) => part !== undefined).join(' ');
  const hypervisor = hypervisors.find(([pattern]) => pattern.test(model))?.[1];
  if (hypervisor !== undefined) return `this is a virtual machine of ${hypervisor} (${model})`;
  if (computer.hypervisorSign !== undefined) return `this is a virtual machine: ${computer.hypervisorSign}`;
  const label = card.backing.kind === 'device' ? card.backing.label : undefined;
  if (label === undefined || !paravirtualLabels.test(label)) return undefined;
  return `this is a virtual machine: "${label}" drives a hypervisor's card`;
}

/** By SMBIOS vendor and product. Needed where no other sign is: Windows, whose own hosts run on Hyper-V, and ARM. */
const hypervisors: readonly (readonly [RegExp, string])[] = [
  [/vmware/i, 'VMware'],
  [/innotek|virtualbox/i, 'VirtualBox'],
  [/parallels/i, 'Parallels'],
  [/virtualmac|apple virtualization/i, 'Apple Virtualization'],
  [/microsoft corporation virtual machine/i, 'Hyper-V'],
  [/\bxen\b|hvm domu/i, 'Xen'],
  [/bhyve/i, 'bhyve'],
  [/amazon ec2(?!.*\.metal)/i, 'Amazon EC2'],
  [/google compute engine/i, 'Google Compute Engine'],
  [/qemu|\bkvm\b|bochs|openstack|digitalocean|alibaba cloud ecs|nutanix ahv|ovirt|rhev/i, 'QEMU or KVM'],
];

const paravirtualLabels = /virtio|vmxnet|hv_netvsc|hyper-v network|^vif$|\bxen/i;

function unphysical(
  facts: MachineFacts,
  card: Card,
  because: UnphysicalBecause['because'],
  reason: string,
): PhysicalCard {
  return { ...described(facts, card), physical: false, because, reason };
}

function described(facts: MachineFacts, card: Card): Described {
  return { kind: 'found', name: card.name, mac: card.station, address: addressOf(facts, card) };
}

/** The card's own address; a port of a bridge or bond has none, so then that of the interface above it. */
function addressOf(facts: MachineFacts, card: InterfaceFacts): string | undefined {
  const above = facts.interfaces.filter((one) => lowersOf(facts, one, new Set()).has(card.name));
  const twins = facts.interfaces.filter((one) => isStationMac(card.mac) && one.mac === card.mac);
  const addresses = [card, ...above, ...twins].flatMap((one) => one.addresses);
  return addresses.find((one) => isRoutable(one) && !one.includes(':')) ?? addresses.find(isRoutable) ?? addresses[0];
}

/** No hardware in sight: a container's veth, a system that did not answer, or tunnels and bridges only. */
function withoutCard(facts: MachineFacts, withMac: readonly Card[]): PhysicalCard {
  const routed = facts.defaultRoutes.flatMap((name) => withMac.filter((one) => one.name === name));
  const only = routed[0] ?? inUseFirst(withMac)[0];
  if (only !== undefined && facts.container !== undefined) {
    return unphysical(facts, only, 'container', `this is a container: ${facts.container}`);
  }
  const unknown = inUseFirst(withMac.filter((one) => one.backing.kind === 'unknown' && !isKnownVirtual(one)));
  const unverified = unknown.find((one) => routed.includes(one)) ?? unknown[0];
  if (unverified !== undefined) {
    const reason = virtualMachineSign(facts.computer, unverified);
    if (reason !== undefined) return unphysical(facts, unverified, 'virtual-machine', reason);
    return unphysical(facts, unverified, 'unverified', `${facts.platform} did not say whether it is hardware`);
  }
  const names = facts.interfaces.map((one) => one.name).join(', ');
  return { kind: 'none', because: names === '' ? 'no network interface' : `no network card among ${names}` };
}
