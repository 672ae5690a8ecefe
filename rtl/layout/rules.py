"""Width, spacing, enclosure and tap-distance rules of the layers that the ROM uses, by the process's names, on any GDS.

Each rule gives the places where it is broken. Values are the wheel's; what a check means is written beside it."""
import klayout.db as db


class Layers:
    """Merged regions of a flat layout by layer name, and what is derived from them."""

    def __init__(self, pdk, layout, top):
        self.pdk, self.layout, self.top, self.known = pdk, layout, top, {}
        self.ncomp, self.pcomp = self["COMP"] & self["Nplus"], self["COMP"] & self["Pplus"]
        self.gate = self["COMP"] & self["Poly2"]
        self.nactive, self.pactive = self.ncomp - self["Nwell"], self.pcomp & self["Nwell"]
        self.ptap, self.ntap = self.pcomp - self["Nwell"], self.ncomp & self["Nwell"]
        self.ngate, self.pgate = self.gate & self.nactive, self.gate & self.pactive

    def __getitem__(self, name):
        if name not in self.known:
            index = self.layout.find_layer(*self.pdk.layer[name])
            region = db.Region(self.top.begin_shapes_rec(index)) if index is not None else db.Region()
            self.known[name] = region.merged()
        return self.known[name]


def less_than(region, area):
    return region.with_area(0, round(1e6 * area), False)


def not_square(region, side):
    return region - region.rectangles().with_bbox_width(side, False).with_bbox_height(side, False)


def enclosed(inner, outer, value):
    """Where `outer` does not reach `value` beyond `inner`, of what lies on it at all."""
    on = inner.interacting(outer) if value else inner
    return (on.sized(value) - outer).merged()


def space(region, value):
    """Between edges instead of polygons: a net of metal is one polygon with thousands of corners."""
    return region.edges().space_check(value)


def within(via, metal, ends, sides):
    """Vias that a wire does not enclose by `ends` along one axis and by `sides` along the other."""
    bad = via.interacting(via - metal.sized(-ends, -sides, 2))
    return bad.interacting(bad - metal.sized(-sides, -ends, 2))


def far(active, tap, reach):
    """Actives of which no part is as near as `reach` to a tap, as the process counts a tap's distance."""
    return active.not_interacting(tap.sized(reach, 0))


def checks(l):
    """(rule, what it asks, places)"""
    nm, rule = l.pdk.nm, l.pdk.rule
    comp, poly, contact = l["COMP"], l["Poly2"], l["Contact"]
    yield "DF.1a", "width of active", comp.width_check(nm("DF.1a"))
    yield "DF.3a", "space of active", space(comp, nm("DF.3a"))
    yield "DF.4c", "N well around a P+ active", enclosed(l.pactive, l["Nwell"], nm("DF.4c"))
    yield "DF.6", "active beyond a gate", comp.enclosing_check(poly, nm("DF.6"))
    yield "DF.9", "area of active", less_than(comp, rule("DF.9"))
    yield "DF.12", "active without an implant", comp - l["Nplus"] - l["Pplus"]
    yield "DF.13", "distance of a well tap", far(l.pactive, l.ntap, nm("DF.13"))
    yield "DF.14", "distance of a substrate tap", far(l.nactive, l.ptap, nm("DF.14"))
    yield "DF.16", "N well to an N+ active", l["Nwell"].separation_check(l.nactive, nm("DF.16"))
    yield "NW.1a", "width of an N well", l["Nwell"].width_check(nm("NW.1a"))
    yield "PL.1", "width of poly", poly.width_check(nm("PL.1"))
    yield "PL.2", "length of a gate", (poly.edges() & comp).width_check(nm("PL.2"))
    yield "PL.3a", "space of poly", space(poly, nm("PL.3a"))
    yield "PL.4", "poly beyond a gate", poly.enclosing_check(comp, nm("PL.4"))
    yield "PL.5", "poly on field to active", poly.separation_check(comp, nm("PL.5a"))
    for implant, other, gate, tap in (("NP", "PP", l.ngate, l.ntap), ("PP", "NP", l.pgate, l.ptap)):
        region = l["Nplus" if implant == "NP" else "Pplus"]
        inside = l.nactive if implant == "NP" else l.pactive
        yield implant + ".1", "width of the implant", region.width_check(nm(implant + ".1"))
        yield implant + ".2", "space of the implant", space(region, nm(implant + ".2"))
        yield implant + ".3", "implant to the other kind's active", region.separation_check(
            l.pcomp if implant == "NP" else l.ncomp, nm(implant + ".3"))
        yield implant + ".5a", "implant around a gate", enclosed(gate, region, nm(implant + ".5a"))
        yield implant + ".5b", "implant around an active", enclosed(inside, region, nm("NP.5b"))
        yield implant + ".5d", "implant around a tap", enclosed(tap, region, nm("NP.5d") if implant == "NP" else nm("PP.5d"))
        ends = (l.pgate if implant == "NP" else l.ngate).edges() & comp.edges()
        yield implant + ".12", "implant to the ends of the other kind's gates", region.edges().separation_check(ends, nm(implant + ".12"))
        yield implant + ".8a", "area of the implant", less_than(region, rule(implant + ".8a"))
    yield "CO.1", "size of a contact", not_square(contact, nm("CO.1"))
    yield "CO.2b", "space of contacts", space(contact, nm("CO.2b"))
    yield "CO.3", "poly around a contact", enclosed(contact & poly, poly, nm("CO.3"))
    yield "CO.4", "active around a contact", enclosed(contact & comp, comp, nm("CO.4"))
    yield "CO.6", "metal 1 around a contact", within(contact, l["Metal1"], *nm("CO.6"))
    yield "CO.7", "contact to a gate", (contact & comp).separation_check(l.gate, nm("CO.7"))
    yield "CO.8", "contact on poly to active", (contact & poly).separation_check(comp, nm("CO.8"))
    yield "CO.10", "contact on a gate", contact & l.gate
    yield "CO.11", "contact on field", contact - comp - poly
    for n in range(1, 6):
        metal, via = l[f"Metal{n}"], l[f"Via{n}"]
        yield f"M{n}.1", "width of the metal", metal.width_check(nm(f"M{n}.1"))
        yield f"M{n}.2a", "space of the metal", space(metal, nm(f"M{n}.2a"))
        yield f"M{n}.3", "area of the metal", less_than(metal, rule(f"M{n}.3"))
        if n == 5:
            continue
        yield f"V{n}.1", "size of a via", not_square(via, nm(f"V{n}.1"))
        yield f"V{n}.2b", "space of vias", space(via, nm(f"V{n}.2b"))
        yield f"V{n}.3", "metal below around a via", within(via, metal, *nm(f"V{n}.3"))
        yield f"V{n}.4", "metal above around a via", within(via, l[f"Metal{n + 1}"], *nm(f"V{n}.4"))
    for name in l.pdk.layer:
        if name.endswith(("_Label", "XTOR")) or l[name].is_empty():
            continue
        yield "grid." + name, "corners on the grid", l[name].grid_check(l.pdk.grid, l.pdk.grid)


def check(layers):
    """[(rule, what, count, place of the first in micrometres, or None)] of every rule."""
    out = []
    for rule, what, found in checks(layers):
        at = next((f.bbox().center() for f in found.each()), None)
        out.append((rule, what, found.count(), at and (at.x / 1000, at.y / 1000)))
    return out
