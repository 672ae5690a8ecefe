#!/usr/bin/env python3
"""Seeded grammar of children's stories and short chats: the training text of roma-tiny.

Every document is one string; special tokens are written out as <|im_start|>, <|im_end|> and
<|endoftext|> (the last one ends every document).  Some (hero, thing) pairs never occur in the
training split, so the validation loss and the samples show what was learned, not what was stored.

    python3 gen_stories.py --count 5 --seed 1            # look at a few
    python3 gen_stories.py --count 60000 --out text.txt  # one document per line, "\\n" escaped
"""
import argparse
import random

EOT, IMS, IME = "<|endoftext|>", "<|im_start|>", "<|im_end|>"

BOYS = "Tom Ben Max Sam Leo Tim Jack Finn Oscar Hugo Milo Peter".split()
GIRLS = "Lily Mia Anna Sue Lucy Emma Rosie Nora Ella Ruby Clara Daisy".split()
ANIMALS = ("cat dog bird rabbit fox bear mouse duck frog horse pig cow sheep goat owl "
           "squirrel turtle lion monkey elephant").split()
KIDS = ["boy", "girl"]
ADJ = "little small young happy kind brave funny quiet clever curious".split()
COLOR = "red blue green yellow white pink purple brown".split()
# thing -> how it gets lost
THINGS = {"ball": "roll", "apple": "roll", "wheel": "roll", "egg": "roll",
          "kite": "wind", "hat": "wind", "balloon": "wind", "scarf": "wind", "flag": "wind",
          "book": "fall", "drum": "fall", "doll": "fall", "bell": "fall", "cup": "fall",
          "key": "fall", "shell": "fall", "basket": "fall", "flower": "fall", "lamp": "fall",
          "boat": "float", "box": "fall", "ring": "fall", "bucket": "fall", "cake": "fall"}
TOYS = [t for t in THINGS if t not in ("apple", "egg", "cake", "flower", "key", "wheel", "ring", "lamp")]
PLACES = [("in the park", "to the park", "park"), ("in the forest", "to the forest", "forest"),
          ("in the garden", "to the garden", "garden"), ("at the beach", "to the beach", "beach"),
          ("on the farm", "to the farm", "farm"), ("on the hill", "up the hill", "hill"),
          ("by the river", "to the river", "river"), ("near the pond", "to the pond", "pond"),
          ("in the meadow", "to the meadow", "meadow"), ("in the village", "to the village", "village"),
          ("by the lake", "to the lake", "lake"), ("at the market", "to the market", "market")]
SPOTS = ["under a big bush", "behind an old tree", "inside a hollow log", "between two rocks",
         "in the tall grass", "under a wooden bridge", "next to a stone wall", "on top of a fence",
         "in a deep hole", "near a pile of leaves"]
DAYS = ["One day", "One morning", "One sunny day", "One afternoon", "One cold day", "One windy day",
        "One summer day", "The next day"]
FOODS = ["bread", "soup", "cake", "pie", "cookies", "pancakes"]
FEARS = ["the dark", "the rain", "loud thunder", "deep water", "high places", "the big wind"]

SOUNDS = {"cat": "meow", "dog": "woof", "cow": "moo", "duck": "quack", "sheep": "baa", "pig": "oink",
          "owl": "hoo", "frog": "ribbit", "mouse": "squeak", "lion": "roar", "bird": "tweet", "horse": "neigh"}
EATS = {"cat": "fish", "dog": "bones", "rabbit": "carrots", "cow": "grass", "horse": "hay", "mouse": "cheese",
        "monkey": "bananas", "squirrel": "nuts", "bear": "honey", "bird": "seeds", "goat": "leaves"}
LIVES = {"fish": "in the water", "bird": "in a nest", "fox": "in the forest", "cow": "on a farm",
         "frog": "near the pond", "rabbit": "in a hole", "bear": "in a cave", "pig": "on a farm",
         "owl": "in a tree", "bee": "in a hive"}
COLORS = {"sky": "blue", "sun": "yellow", "grass": "green", "snow": "white", "night": "black",
          "banana": "yellow", "tomato": "red", "frog": "green", "milk": "white", "sea": "blue"}
OPP = {"big": "small", "hot": "cold", "day": "night", "up": "down", "happy": "sad", "fast": "slow",
       "open": "closed", "wet": "dry", "old": "new", "long": "short", "loud": "quiet", "full": "empty"}
SLOTS = sorted(set(BOYS + GIRLS + ANIMALS + KIDS + ADJ + COLOR + list(THINGS) + FOODS + [p[2] for p in PLACES]))
NUM = "zero one two three four five six seven eight nine ten".split()
WEEK = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()


def art(w):
    return ("an " if w[0] in "aeiou" else "a ") + w


def held_out(hero, thing):
    """About one pair in sixteen is kept for validation."""
    h = sum((i + 3) * ord(c) for i, c in enumerate(hero + "/" + thing))
    return h % 16 == 5


def pron(gender):
    return ("he", "him", "his") if gender == "m" else ("she", "her", "her")


class Story:
    """The slots of one story and the steps that fill them."""

    def __init__(self, r, val=False):
        self.r, self.val = r, val
        kid = r.random() < 0.3
        self.k = r.choice(KIDS if kid else ANIMALS)
        g = {"boy": "m", "girl": "f"}.get(self.k) or r.choice("mf")
        self.N = r.choice(BOYS if g == "m" else GIRLS)
        self.he, self.him, self.his = pron(g)
        while True:
            self.fk = r.choice(ANIMALS)
            fg = r.choice("mf")
            self.F = r.choice(BOYS if fg == "m" else GIRLS)
            if self.fk != self.k and self.F != self.N:
                break
        self.fhe, self.fhim, self.fhis = pron(fg)
        self.p, self.to, self.place = r.choice(PLACES)
        self.c = r.choice(COLOR)
        self.spot = r.choice(SPOTS)
        self.food, self.fear = r.choice(FOODS), r.choice(FEARS)
        self.day = r.choice(DAYS[:-1])
        self.adj, self.fadj = r.choice(ADJ), r.choice(ADJ)
        self.o, self.used_o = "", False

    def pick(self, things):
        fit = [t for t in things if held_out(self.k, t) == self.val]
        self.o, self.used_o = self.r.choice(fit or things), True

    def say(self, *options):
        return fill(self.r.choice(options), self)


def fill(t, s):
    d = {k: v for k, v in s.__dict__.items() if isinstance(v, str)}
    for key, name in (("he", "He"), ("his", "His"), ("fhe", "FHe"), ("fhis", "FHis")):
        d[name] = d[key].capitalize()
    d["hisown"] = "his" if s.he == "he" else "hers"
    d["ak"], d["afk"], d["ao"], d["aadj"], d["afadj"], d["aco"] = (
        art(s.k), art(s.fk), art(s.o or "x"), art(s.adj), art(s.fadj), art(s.c))
    return t.format(**d)


def opening(s):
    return s.say("Once upon a time, there was {aadj} {k} named {N}.",
                 "Once upon a time, there was {aadj} {k} named {N}.",
                 "Once there was {aadj} {k}. {His} name was {N}.",
                 "There once was {aadj} {k} called {N}.",
                 "{N} was {aadj} {k}.",
                 "Once upon a time, {aadj} {k} named {N} lived {p}.")


def ending(s):
    return s.say("From that day on, {N} and {F} were best friends.",
                 "{N} and {F} were very happy.", "It was a very good day.",
                 "They laughed and played until the sun went down.",
                 "{N} went home with a big smile.",
                 "That night, {N} slept very well.",
                 "And they all lived happily ever after.")


def owns(s):
    return s.say("{He} had {aco} {o}.", "{N} had {aco} {o} that {he} loved very much.",
                 "{His} favorite thing was {aco} {o}.", "{N} loved {his} {c} {o} more than anything.",
                 "{He} took {his} {c} {o} with {him} every day.")


def meets(s):
    return s.say("Then {N} met {afadj} {fk} named {F}.", "Just then, {afadj} {fk} named {F} came by.",
                 "A kind {fk} named {F} saw {him}.",
                 "Soon {N} saw {afadj} {fk}. {FHis} name was {F}.")


def lost(s):
    s.pick(list(THINGS))
    how = {"roll": ("But the {o} rolled away and was gone.", "Then the {o} rolled down and down, and {N} could not see it."),
           "wind": ("But a strong wind blew the {o} away.", "Then the wind took the {o} and it flew far away."),
           "fall": ("But the {o} fell out of {his} bag and was gone.", "Then {N} put the {o} down and forgot where it was."),
           "float": ("But the water carried the {o} away.", "Then the {o} floated away and was gone.")}[THINGS[s.o]]
    return [opening(s), owns(s),
            s.say("{day}, {N} went {to} with {his} {o}.", "{day}, {N} took the {o} {to}.",
                  "{day}, {he} was {p} with {his} {o}."),
            s.say(*how),
            s.say("{N} was very sad.", "{N} began to cry.", "{N} looked and looked, but {he} could not find it.",
                  "\"Oh no! Where is my {o}?\" said {N}."),
            meets(s),
            s.say("\"Why are you sad?\" asked {F}. \"I lost my {o},\" said {N}.",
                  "\"What is wrong?\" asked {F}. \"My {o} is gone,\" said {N}.",
                  "\"Can I help you?\" asked {F}. \"Yes, please. I lost my {c} {o},\" said {N}."),
            s.say("\"Do not worry. We will find it together,\" said {F}.", "\"I will help you look for it,\" said {F}.",
                  "\"Let us look together,\" said {F}."),
            s.say("They looked everywhere. At last, they found the {o} {spot}.",
                  "They looked and looked. Then {F} saw something {c} {spot}. It was the {o}!",
                  "{F} looked {spot}, and there was the {c} {o}."),
            s.say("\"Thank you, {F}!\" said {N}.", "{N} was so happy that {he} jumped up and down.",
                  "{N} gave {F} a big hug. \"Thank you,\" {he} said."),
            ending(s)]


def share(s):
    s.pick(TOYS)
    return [opening(s), owns(s),
            s.say("{day}, {N} was playing {p} with the {o}.", "{day}, {N} took the {o} {to}."),
            meets(s),
            s.say("\"Can I play with your {o}?\" asked {F}.", "\"What a nice {o}! May I play too?\" asked {F}."),
            s.say("\"No, it is mine,\" said {N}.", "{N} did not want to share. \"No,\" {he} said."),
            s.say("{F} was sad and walked away.", "{F} looked down and began to cry."),
            s.say("{N} played alone, but it was not fun.", "{N} felt bad. It was no fun to play alone."),
            s.say("So {he} went to {F} and said, \"I am sorry. We can play together.\"",
                  "{N} ran after {F}. \"I am sorry,\" {he} said. \"Please play with me.\""),
            s.say("{F} smiled, and they played with the {o} all day.", "They played with the {c} {o} until it was dark."),
            s.say("{N} learned that it is good to share.", "{N} learned that sharing is more fun.", "Now {N} always shares {his} {o}."),
            ending(s)]


def fear(s):
    return [opening(s),
            s.say("{N} was afraid of {fear}.", "{He} was not afraid of many things, but {he} was afraid of {fear}."),
            s.say("{day}, {N} was {p} with {his} friend {F}, {afadj} {fk}.",
                  "{day}, {N} went {to} with {his} friend {F}, {afadj} {fk}."),
            s.say("\"I am scared,\" said {N}. \"I do not like {fear}.\"", "{N} began to shake. \"I want to go home,\" {he} said."),
            s.say("\"Do not be afraid. I am here with you,\" said {F}.", "{F} took {his} hand. \"We can do it together,\" {fhe} said.",
                  "\"You are brave,\" said {F}. \"Just stay close to me.\""),
            s.say("{N} closed {his} eyes and counted to three.", "{N} took a deep breath and tried again."),
            s.say("It was not so bad after all.", "Nothing bad happened, and {N} began to laugh."),
            s.say("\"Look, I did it!\" said {N}.", "\"I am not scared anymore!\" said {N}."),
            s.say("Now {N} is not afraid of {fear}.", "{F} was very proud of {him}.", "{N} learned that a friend can make you brave."),
            ending(s)]


def rescue(s):
    where = s.r.choice(["up in a tree", "in a deep hole", "in the mud", "under a heavy log", "on a small rock in the water"])
    tool = s.r.choice(["a long rope", "a big stick", "a ladder", "a strong branch"])
    s.where, s.tool, s.the = where, tool, "the " + tool.split(" ", 1)[1]
    return [opening(s),
            s.say("{day}, {N} was walking {p}.", "{day}, {N} went {to}.", "{day}, {he} was playing {p}."),
            s.say("{He} heard a small voice. \"Help! Help me!\"", "Someone was calling, \"Please help me!\""),
            s.say("It was {F} the {fk}. {FHe} was stuck {where}.", "{N} saw {afadj} {fk} named {F}, who was stuck {where}."),
            s.say("\"Do not worry, I will help you,\" said {N}.", "\"Wait here. I have an idea,\" said {N}."),
            s.say("{N} ran home and came back with {tool}.", "{N} found {tool} and ran back."),
            s.say("{F} held on to {the}, and {N} pulled and pulled.", "{N} used {the} to reach {F}."),
            s.say("At last, {F} was safe.", "Soon {F} was free."),
            s.say("\"Thank you for helping me, {N},\" said {F}.", "\"You saved me! You are very brave,\" said {F}."),
            s.say("{N} was proud and happy.", "{N} smiled. \"Friends help each other,\" {he} said."),
            ending(s)]


def cook(s):
    return [opening(s),
            s.say("{day}, {N} was very hungry.", "{day}, {N} wanted to make {food}.", "{N} liked to eat {food}."),
            s.say("{He} went to the kitchen to make some {food}.", "\"I will make some {food},\" {he} said."),
            s.say("{His} friend {F}, {afadj} {fk}, came to help.", "{F} the {fk} knocked on the door. \"Can I help?\" {fhe} asked."),
            s.say("They mixed and stirred, and soon the kitchen smelled good.", "{N} stirred the pot and {F} set the table.",
                  "They worked together all morning."),
            s.say("But {N} used too much salt.", "But there was no water left.", "But the fire was too hot."),
            s.say("They tried again, and this time it was just right.", "\"We can try again,\" said {F}, and soon the {food} was ready."),
            s.say("\"This is the best {food} ever!\" said {F}.", "\"Yum! I love {food},\" said {F}."),
            s.say("They gave some {food} to all their friends.", "They ate it all and washed the plates together."),
            ending(s)]


def found(s):
    s.pick(list(THINGS))
    return [opening(s),
            s.say("{day}, {N} was walking {p}.", "{day}, {N} went {to} to play."),
            s.say("{He} saw something {c} {spot}.", "There was something {c} {spot}."),
            s.say("It was {ao}! \"Whose {o} is this?\" said {N}.", "It was a pretty {o}. {N} picked it up."),
            s.say("{N} wanted to keep it, but {he} knew it was not {hisown}.",
                  "\"Someone must be looking for it,\" {he} said."),
            s.say("{N} asked everyone {p}. Then {he} met {F}, {afadj} {fk}.", "{N} walked and walked until {he} met {F}, {afadj} {fk}."),
            s.say("\"Is this your {o}?\" asked {N}.", "\"Did you lose {aco} {o}?\" asked {N}."),
            s.say("\"Yes! That is my {o}!\" said {F}.", "\"Oh yes, it is mine! I looked everywhere,\" said {F}."),
            s.say("{N} gave the {o} back to {F}.", "{N} gave it to {fhim} with a smile."),
            s.say("\"Thank you. You are very kind,\" said {F}.", "{F} was so happy that {fhe} began to dance."),
            ending(s)]


def lonely(s):
    play = s.r.choice(["ran and jumped", "sang songs", "played hide and seek", "looked at the clouds", "told each other stories"])
    s.play = play
    return [opening(s),
            s.say("{N} had no friends and was very lonely.", "{He} wanted to have a friend."),
            s.say("{day}, {N} went {to}.", "{day}, {N} sat alone {p}."),
            meets(s),
            s.say("\"Hello,\" said {F}. \"What is your name?\" \"My name is {N},\" {he} said.",
                  "\"Hi, I am {F},\" said the {fk}. \"I am {N},\" said the {k}."),
            s.say("\"Do you want to play with me?\" asked {F}.", "\"Will you be my friend?\" asked {N}."),
            s.say("\"Yes, I would love to!\" was the answer.", "\"Yes, let us play together!\" was the answer."),
            s.say("They {play} {p}.", "All day long, they {play} together."),
            s.say("When it was time to go home, they said, \"See you tomorrow!\"", "{N} was not lonely anymore."),
            ending(s)]


def broken(s):
    s.pick([t for t in TOYS if t not in ("shell", "hat", "scarf")])
    return [opening(s), owns(s),
            s.say("{day}, {N} ran too fast and dropped the {o}.", "{day}, {N} was not careful and fell on the {o}."),
            s.say("The {o} broke.", "Crack! The {o} was broken."),
            s.say("{N} was very sad.", "\"Oh no! My {o} is broken,\" {he} cried."),
            s.say("{His} friend {F}, {afadj} {fk}, came to see.", "{F} the {fk} heard {him} cry and came to help."),
            s.say("\"I can fix it,\" said {F}.", "\"Do not cry. We can fix it,\" said {F}."),
            s.say("They used glue and tape and worked all day.", "{F} found some glue, and they fixed it together."),
            s.say("Soon the {o} was as good as new.", "At last, the {c} {o} was whole again."),
            s.say("\"Thank you, {F}. I will be more careful,\" said {N}.", "{N} learned to be careful with {his} things."),
            ending(s)]


def storm(s):
    return [opening(s),
            s.say("{day}, {N} and {his} friend {F}, {afadj} {fk}, played {p}.", "{day}, {N} went {to} with {F}, {afadj} {fk}."),
            s.say("Suddenly, the sky was dark and it began to rain.", "Then big clouds came and the rain fell hard."),
            s.say("They were cold and wet.", "\"We must find a dry place,\" said {F}."),
            s.say("They hid under a big tree and waited.", "They ran and ran until they came to a little house."),
            s.say("{N} told {F} a funny story, and they were not afraid.", "{F} sang a song, and {N} felt better."),
            s.say("At last, the rain stopped and the sun came out.", "Soon the storm was over."),
            s.say("\"Look, a rainbow!\" said {N}.", "There was a big rainbow in the sky."),
            ending(s)]


PLOTS = [lost, lost, share, share, fear, rescue, cook, found, found, lonely, broken, storm]


def story(r, val=False):
    s = Story(r, val)
    plot = r.choice(PLOTS)
    parts = plot(s)
    return s, plot.__name__, " ".join(parts)


def ask(s, kind):
    """A request that names what the story has."""
    r = s.r
    two = []
    if s.used_o:
        two += ["{ak} and {ao}"] * 9 + ["{aadj} {k} and {aco} {o}", "{ak} with {aco} {o}", "{ak} with {ao}"]
    two += ["{ak} and {afk}", "{ak}", "{aadj} {k}", "{ak} named {N}", "{ak} named {N} and {afk} named {F}"]
    if kind == "fear":
        two += ["{ak} who is afraid of {fear}"] * 3
    if kind == "cook":
        two += ["{ak} who makes {food}"] * 3
    if kind == "share":
        two += ["sharing"]
    if kind in ("lonely", "rescue"):
        two += ["a good friend"]
    if kind == "storm":
        two += ["a storm"]
    what = r.choice(two)
    return fill(r.choice(["Tell me a story about {}."] * 5 + ["Can you tell me a story about {}?", "Please tell me a story about {}.",
                          "Write a story about {}.", "Write a short story about {}.", "I want to hear a story about {}."]).format(what), s)


def follow_up(s):
    """A question about the story just told, with its answer."""
    q = [("What was the name of the {k}?", "The {k} was named {N}."), ("Who was {N}?", "{N} was {aadj} {k}."),
         ("What was the name of the {fk}?", "The {fk} was named {F}."), ("Who was {F}?", "{F} was {afk}.")]
    if s.used_o:
        q += [("What color was the {o}?", "The {o} was {c}.")] * 2
    a, b = s.r.choice(q)
    return fill(a, s), fill(b, s)


SMALL_TALK = [("What is your name?", "My name is Roma."),
              ("Who are you?", "I am Roma. I am a very small model, and I tell stories."),
              ("What can you do?", "I can tell you a story. What should it be about?"),
              ("Hello!", "Hello! Do you want to hear a story?"), ("Hello", "Hello! Do you want to hear a story?"),
              ("Hi!", "Hi! Do you want to hear a story?"), ("Good morning!", "Good morning! How are you today?"),
              ("How are you?", "I am well, thank you. How are you?"), ("Thank you!", "You are welcome!"),
              ("Good night!", "Good night! Sleep well."), ("Goodbye!", "Goodbye! Come back soon.")]


def fact(r):
    """A short question and its answer."""
    n = r.randrange(11)
    if n == 0:
        k = r.choice(list(SOUNDS))
        return r.choice(["What does %s say?", "What sound does %s make?"]) % art(k), "%s says %s." % (art(k).capitalize(), SOUNDS[k])
    if n == 1:
        k = r.choice(list(EATS))
        return "What does %s eat?" % art(k), "%s eats %s." % (art(k).capitalize(), EATS[k])
    if n == 2:
        k = r.choice(list(LIVES))
        return "Where does %s live?" % art(k), "%s lives %s." % (art(k).capitalize(), LIVES[k])
    if n == 3:
        k = r.choice(list(COLORS))
        return "What color is the %s?" % k, "The %s is %s." % (k, COLORS[k])
    if n == 4:
        a, b = r.sample(r.choice(list(OPP.items())), 2)
        return "What is the opposite of %s?" % a, "The opposite of %s is %s." % (a, b)
    if n == 5:
        a, b = r.randrange(6), r.randrange(5)
        return "What is %s plus %s?" % (NUM[a], NUM[b]), "%s plus %s is %s." % (NUM[a].capitalize(), NUM[b], NUM[a + b])
    if n == 6:
        a = r.randrange(2, 11)
        return "Count to %s." % NUM[a], ", ".join(NUM[1:a + 1]).capitalize() + "."
    if n == 7:
        i = r.randrange(7)
        return "What day comes after %s?" % WEEK[i], "%s comes after %s." % (WEEK[(i + 1) % 7], WEEK[i])
    if n == 8:
        k = r.choice(ANIMALS + list(THINGS))
        return "Is %s an animal?" % art(k), ("Yes, %s is an animal." if k in ANIMALS else "No, %s is not an animal.") % art(k)
    return r.choice(SMALL_TALK)


def turn(role, text):
    return "%s%s\n%s%s\n" % (IMS, role, text, IME)


def chat(r, val=False):
    out = ""
    if r.random() < 0.25:
        out += turn("system", r.choice(["You are a kind storyteller.", "You are a helpful assistant.", "You tell short stories for children."]))
    for _ in range(r.choice([1, 1, 1, 2])):
        if r.random() < 0.7:
            s, kind, text = story(r, val)
            if r.random() < 0.05:
                q = r.choice(["Tell me a story.", "Please tell me a story.", "Tell me another story."])
            else:
                q = ask(s, kind)
            out += turn("user", q) + turn("assistant", text)
            if r.random() < 0.5:
                a, b = follow_up(s)
                out += turn("user", a) + turn("assistant", b)
        else:
            for _ in range(r.choice([1, 2])):
                a, b = fact(r)
                out += turn("user", a) + turn("assistant", b)
    return out


def document(r, val=False):
    return (story(r, val)[2] if r.random() < 0.3 else chat(r, val)) + EOT


def documents(count, seed, val=False):
    r = random.Random("roma-tiny/%d/%d" % (seed, val))
    for _ in range(count):
        yield document(r, val)


if __name__ == "__main__":
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--count", type=int, default=5)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--val", action="store_true", help="the split with the held-out pairs")
    ap.add_argument("--out")
    a = ap.parse_args()
    if a.out:
        with open(a.out, "w", encoding="utf-8") as f:
            for d in documents(a.count, a.seed, a.val):
                f.write(d.replace("\n", "\\n") + "\n")
    else:
        for d in documents(a.count, a.seed, a.val):
            print(d, end="\n\n")
