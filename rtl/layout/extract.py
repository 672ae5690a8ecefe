"""What a GDS computes: transistors and nets out of its shapes by KLayout's engine, held against a netlist and read back as words."""
import re

import klayout.db as db

WIRES = ["Metal1", "Metal2", "Metal3", "Metal4", "Metal5"]


def extract(l):
    """The LayoutToNetlist of `rules.Layers`; nets are named by the labels of the layout, the substrate is `gnd` where a tap ties it so."""
    pdk, layout, top = l.pdk, l.layout, l.top
    l2n = db.LayoutToNetlist(top.name, layout.dbu)
    substrate = db.Region(top.bbox().enlarged(1000)) - l["Nwell"]
    nsd, psd = l.nactive - l.gate, l.pactive - l.gate
    known = {"nsd": nsd, "psd": psd, "ngate": l.ngate, "pgate": l.pgate, "ntap": l.ntap, "ptap": l.ptap, "sub": substrate,
             "Nwell": l["Nwell"], "Poly2": l["Poly2"], "Contact": l["Contact"]}
    for n, wire in enumerate(WIRES, 1):
        known[wire] = l[wire]
        if n < len(WIRES):
            known[f"Via{n}"] = l[f"Via{n}"]
    for name, region in known.items():
        l2n.register(region, name)
    for kind, sd, gate, well in (("nfet_03v3", nsd, l.ngate, substrate), ("pfet_03v3", psd, l.pgate, l["Nwell"])):
        l2n.extract_devices(db.DeviceExtractorMOS4Transistor(kind), {"SD": sd, "G": gate, "P": l["Poly2"], "W": well})
    pairs = [(nsd, l["Contact"]), (psd, l["Contact"]), (l.ntap, l["Contact"]), (l.ptap, l["Contact"]), (l["Poly2"], l["Contact"]),
             (l["Contact"], l["Metal1"]), (l.ntap, l["Nwell"])]
    for n, wire in enumerate(WIRES[:-1], 1):
        pairs += [(l[wire], l[f"Via{n}"]), (l[f"Via{n}"], l[WIRES[n]])]
    for name, region in known.items():
        if "gate" not in name:
            l2n.connect(region)
    for a, b in pairs:
        l2n.connect(a, b)
    for wire in WIRES:
        index = layout.find_layer(*pdk.layer[wire + "_Label"])
        if index is not None:
            names = db.Texts(top.begin_shapes_rec(index))
            l2n.register(names, wire + "_Label")
            l2n.connect(l[wire], names)
    l2n.connect_global(l.ptap, "substrate")
    l2n.connect_global(substrate, "substrate")
    l2n.extract_netlist()
    return l2n


def top_circuit(l2n):
    return next(iter(l2n.netlist().each_circuit_top_down()))


def transistors(l2n):
    """[(drain, gate, source, bulk, kind, where in micrometres)], names of nets, or '' for a net without one; the drain is what is no ground."""
    out = []
    for device in top_circuit(l2n).each_device():
        kind, net = device.device_class(), {}
        for terminal in kind.terminal_definitions():
            found = device.net_for_terminal(terminal.id())
            net[terminal.name] = found.name if found else ""
        drain, source = net["D"], net["S"]
        if is_ground(drain):
            drain, source = source, drain
        at = device.trans.disp
        out.append((drain, net["G"], source, net["B"], kind.name, (at.x, at.y)))
    return out


def is_ground(name):
    return "gnd" in re.split(r"[,|]", name.lower())


def differences(words, expected):
    """First words that differ, by address."""
    return [f"word {i}: {a:x} in the layout, {b:x} in the image" for i, (a, b) in enumerate(zip(words, expected)) if a != b]


def write_cdl(path, name, pins, devices):
    """devices: (drain, gate, source, bulk, kind, width, length in nanometres)"""
    with open(path, "w", encoding="ascii") as file:
        file.write(f"* made by rtl/layout; lengths in micrometres\n.SUBCKT {name}")
        for i in range(0, len(pins), 8):
            file.write("\n+ " + " ".join(pins[i:i + 8]))
        file.write("\n")
        for k, (drain, gate, source, bulk, kind, width, length) in enumerate(devices):
            file.write(f"M{k} {drain} {gate} {source} {bulk} {kind} W={width / 1000:g}U L={length / 1000:g}U\n")
        file.write(".ENDS\n")


def compare(l2n, path):
    """Whether the extracted netlist is the CDL's. Word lines, grounds and supplies are given by name; the rest is compared as a graph."""
    reference = db.Netlist()
    reference.read(path, db.NetlistSpiceReader())
    extracted = l2n.netlist().dup()
    for netlist in (reference, extracted):
        for kind in netlist.each_device_class():
            kind.equal_parameters = \
                db.EqualDeviceParameters(kind.parameter_id("W"), 1e-3, 0) + db.EqualDeviceParameters(kind.parameter_id("L"), 1e-3, 0)
    comparer = db.NetlistComparer()
    comparer.max_depth, comparer.max_branch_complexity = 100, 500
    one, other = (next(iter(netlist.each_circuit_top_down())) for netlist in (extracted, reference))
    named = {net.name.lower(): net for net in other.each_net()}
    for net in one.each_net():
        if re.match(r"(wl\[|gnd|vdd)", net.name.lower()) and net.name.lower() in named:
            comparer.same_nets(one, other, net, named[net.name.lower()])
    return comparer.compare(extracted, reference)
