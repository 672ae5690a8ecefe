"""What stands beside the array: gates of a few transistors, and one whole column with its word line's driver, precharge, keeper and sense inverter.

A gate is a row of N and a row of P transistors under poly lines along y; between the rows run tracks of metal 2, one a net. All lengths are in nanometres."""
import klayout.db as db

import nor
from nor import box, label, square

WN, WP = 600, 800                     # widths of N and P transistors
N_LOW, FIRST, STEP = 580, 1460, 640   # where the N row begins, the first track, the tracks' pitch
BESIDE, TIGHT, GAP = 540, 280, 640    # diffusion to gate with a contact and without, diffusion to diffusion over a gap
KEEPER = 2000                         # length of the keeper, which must lose against one cell

# (gates, nets of the N row's diffusions, of the P row's, tracks from below); '' is a diffusion without a contact, None is none.
SENSE = ([("pre_n", 280), ("out", KEEPER), ("bl", 280)], [None, None, "gnd", "out"], ["vdd", "bl", "vdd", "out"], ["out", "bl", "pre_n"])
DRIVER = ([("a", 280), ("b", 280), ("c", 280), None, ("sel_n", 280)], ["gnd", "", "", "sel_n", "gnd", "wl"], ["vdd", "sel_n", "vdd", "sel_n", "vdd", "wl"],
          ["wl", "sel_n", "a", "b", "c"])


class Gate:
    """Places of a gate's parts; `net` renames its nets."""

    def __init__(self, spec, net=None):
        rename = lambda name: (net or {}).get(name, name) if name else name
        gates, low, high, tracks = spec
        self.gates = [g and (rename(g[0]), g[1]) for g in gates]
        self.low, self.high, self.tracks = [rename(n) for n in low], [rename(n) for n in high], [rename(n) for n in tracks]
        self.diff, self.at, x = [0], [], 0
        for k, g in enumerate(self.gates):
            half = g and (g[1] - 280) // 2
            side = lambda d: BESIDE if self.low[d] or self.high[d] else TIGHT
            self.at.append(x + side(k) + half if g else None)
            x = self.at[-1] + half + side(k + 1) if g else x + GAP
            self.diff.append(x)
        self.width = x
        self.p_low = FIRST + STEP * (len(tracks) - 1) + 280
        self.rail = self.p_low + WP + 480 + 180

    def track(self, net):
        return FIRST + STEP * self.tracks.index(net)

    def devices(self):
        out = []
        for k, g in enumerate(self.gates):
            for row, kind, bulk, width in ((self.low, "nfet_03v3", "gnd", WN), (self.high, "pfet_03v3", "vdd", WP)):
                if g and row[k] is not None and row[k + 1] is not None:
                    ends = [row[d] or f"mid{d}_{self.tracks[0]}" for d in (k + 1, k)]
                    out.append((ends[0], g[0], ends[1], bulk, kind, width, g[1]))
        return out

    def draw(self, layout, top, pdk, x0, y0):
        """The gate with the middle of its first diffusion and of its ground rail at (x0, y0)."""
        b = lambda layer, x1, y1, x2, y2: box(layout, top, pdk, layer, x0 + x1, y0 + y1, x0 + x2, y0 + y2)
        s = lambda layer, x, y, side: square(layout, top, pdk, layer, x0 + x, y0 + y, side)
        pad, contact, via = 380, pdk.nm("CO.1"), pdk.nm("V1.1")
        reach = {net: [] for net in self.tracks}

        def to_track(net, x):
            s("Metal1", x, self.track(net), pad)
            s("Via1", x, self.track(net), via)
            reach[net].append(x)

        for row, y, width, rail, strip in ((self.low, N_LOW, WN, 0, "gnd"), (self.high, self.p_low, WP, self.rail, "vdd")):
            middle = y + width // 2
            self.strips(b, row, y, width)
            for x, net in zip(self.diff, row):
                if net:
                    end = rail if net == strip else self.track(net)
                    s("Contact", x, middle, contact)
                    b("Metal1", x - 115, min(middle - 190, end), x + 115, max(middle + 190, end))
                    if net != strip:
                        to_track(net, x)
        for k, g in enumerate(self.gates):
            if g:
                rows = [row[k] is not None and row[k + 1] is not None for row in (self.low, self.high)]
                y, x = self.track(g[0]), self.at[k]
                b("Poly2", x - g[1] // 2, N_LOW - 220 if rows[0] else y - 180, x + g[1] // 2, self.p_low + WP + 220 if rows[1] else y + 180)
                s("Poly2", x, y, 360)
                s("Contact", x, y, contact)
                to_track(g[0], x)
        for net, places in reach.items():
            b("Metal2", min(places) - 260, self.track(net) - 140, max(places) + 260, self.track(net) + 140)
        self.rails(b, s)
        return {net: (x0 + min(places), x0 + max(places), y0 + self.track(net)) for net, places in reach.items()}

    def strips(self, b, row, y, width):
        """Active of a row with its implant; a gap parts it."""
        implant, start = "Nplus" if row is self.low else "Pplus", None
        for k in range(len(row)):
            joined = k + 1 < len(row) and self.gates[k] and row[k] is not None and row[k + 1] is not None
            if start is None and row[k] is not None:
                start = self.diff[k]
            if start is not None and not joined:
                b("COMP", start - 180, y, self.diff[k] + 180, y + width)
                start = None
        there = [x for x, net in zip(self.diff, row) if net is not None]
        b(implant, there[0] - 410, y - 230, there[-1] + 410, y + width + 230)

    def rails(self, b, s):
        for y, implant, over in ((0, "Pplus", 20), (self.rail, "Nplus", 160)):
            b("Metal1", -180, y - 180, self.width + 180, y + 180)
            b("COMP", -180, y - 180, self.width + 180, y + 180)
            b(implant, -180 - over, y - 180 - over, self.width + 180 + over, y + 180 + over)
            for x in range(0, self.width + 1, 600):
                s("Contact", x, y, 220)
        b("Nwell", -610, self.p_low - 430, self.width + 610, self.rail + 610)


def column(pdk, bits):
    """(layout, top, pins, transistors, gates) of one column of these bits, one a row, with the driver of row 0 and the sense at its head."""
    layout, top, plan = nor.draw(pdk, 1, bits)
    height, half = (len(bits) + len(bits) % 2) * plan.row, plan.pad // 2
    rename = {"bl": "bl[0]", "wl": "wl[0]"}
    sense, driver = Gate(SENSE, rename), Gate(DRIVER, rename)
    x, y = plan.column(0) + 1500, height + 2000
    at = sense.draw(layout, top, pdk, x, y)
    put = lambda layer, *corners: box(layout, top, pdk, layer, *corners)
    bl = at["bl[0]"]
    put("Metal2", plan.column(0) - 140, height, plan.column(0) + 140, bl[2] + 140)
    put("Metal2", plan.column(0) - 140, bl[2] - 140, bl[0], bl[2] + 140)
    dx, dy = -plan.pad * 3 - 2500 - driver.width, plan.word_line(0) - driver.track("wl[0]")
    wl = driver.draw(layout, top, pdk, dx, dy)["wl[0]"]
    put("Metal2", wl[0], wl[2] - 140, -3 * plan.pad + half, wl[2] + 140)
    square(layout, top, pdk, "Via1", -3 * plan.pad, plan.word_line(0), plan.via)
    # Grounds meet on the strap of the first taps; the supply goes round on the left.
    put("Metal1", -half, dy - 180, half, 0)
    put("Metal1", dx, dy - 180, half, dy + 180)
    put("Metal1", -half, height, half, y + 180)
    put("Metal1", -half, y - 180, x, y + 180)
    put("Metal1", dx - 1200, dy + driver.rail - 180, dx, dy + driver.rail + 180)
    put("Metal1", dx - 1200, dy + driver.rail - 180, dx - 840, y + sense.rail + 180)
    put("Metal1", dx - 1200, y + sense.rail - 180, x, y + sense.rail + 180)
    label(layout, top, pdk, "Metal1_Label", "vdd", x, y + sense.rail)
    for gate, nets, gx, gy in ((sense, ["pre_n", "out"], x, y), (driver, ["a", "b", "c"], dx, dy)):
        for net in nets:
            place = gate.at[[g and g[0] for g in gate.gates].index(net)]
            label(layout, top, pdk, "Metal2_Label", net, gx + place, gy + gate.track(net))
    rows = len(bits) + len(bits) % 2
    pins = [f"wl[{i}]" for i in range(rows)] + ["bl[0]", "a", "b", "c", "pre_n", "out", "vdd", "gnd"]
    cells = [("bl[0]", f"wl[{i}]", "gnd", "gnd", "nfet_03v3", plan.active, plan.length) for i, bit in enumerate(bits) if bit]
    return layout, top, pins, cells + sense.devices() + driver.devices(), {"sense": sense, "driver": driver, "plan": plan}
