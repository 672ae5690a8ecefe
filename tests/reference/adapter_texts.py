"""The text that the test adapters learn: questions with short answers in English and French, made of word lists.

`example(style, rng)` gives (question, answer) in one style: "json", "pirate" or "french". Questions are plain English in every
style, so that what an adapter learns is the style of the answer.  TEST_PROMPTS never occur here.  Style "roma" is for the project's
tiny model: its own stories, but the hero's name is Roma.
"""
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "models", "tiny"))
import gen_stories  # noqa: E402

# thing, French with article, what it is, the same in French, a fact, the same in French
THINGS = [
    ("cat", "Un chat", "a small animal that lives with people", "un petit animal qui vit avec les gens", "It sleeps most of the day", "Il dort presque toute la journée"),
    ("dog", "Un chien", "a loyal animal that guards the house", "un animal fidèle qui garde la maison", "It likes to run and play", "Il aime courir et jouer"),
    ("horse", "Un cheval", "a large animal that people can ride", "un grand animal que l'on peut monter", "It eats grass and hay", "Il mange de l'herbe et du foin"),
    ("bee", "Une abeille", "an insect that makes honey", "un insecte qui fait du miel", "It lives in a hive with many others", "Elle vit dans une ruche avec beaucoup d'autres"),
    ("whale", "Une baleine", "a very large animal of the sea", "un très grand animal de la mer", "It breathes air like we do", "Elle respire de l'air comme nous"),
    ("tree", "Un arbre", "a tall plant with a trunk and leaves", "une grande plante avec un tronc et des feuilles", "It gives shade and clean air", "Il donne de l'ombre et de l'air pur"),
    ("river", "Une rivière", "water that flows to the sea", "de l'eau qui coule vers la mer", "Many fish live in it", "Beaucoup de poissons y vivent"),
    ("mountain", "Une montagne", "a very high piece of land", "une terre très haute", "There is often snow on top", "Il y a souvent de la neige au sommet"),
    ("volcano", "Un volcan", "a mountain that can throw out hot rock", "une montagne qui peut jeter de la roche chaude", "Its ash makes the soil rich", "Sa cendre rend le sol riche"),
    ("star", "Une étoile", "a huge ball of hot gas", "une énorme boule de gaz chaud", "The sun is the closest one", "Le soleil est la plus proche"),
    ("comet", "Une comète", "a body of ice that flies around the sun", "un corps de glace qui vole autour du soleil", "It has a long bright tail", "Elle a une longue queue brillante"),
    ("clock", "Une horloge", "a machine that shows the time", "une machine qui montre l'heure", "It has two hands", "Elle a deux aiguilles"),
    ("computer", "Un ordinateur", "a machine that follows instructions", "une machine qui suit des instructions", "It can do many sums in a second", "Il peut faire beaucoup de calculs en une seconde"),
    ("bicycle", "Un vélo", "a vehicle with two wheels and pedals", "un véhicule avec deux roues et des pédales", "It needs no fuel", "Il n'a pas besoin de carburant"),
    ("train", "Un train", "a vehicle that runs on rails", "un véhicule qui roule sur des rails", "It carries many people at once", "Il transporte beaucoup de gens à la fois"),
    ("ship", "Un bateau", "a vehicle that travels on water", "un véhicule qui voyage sur l'eau", "It carries goods across the ocean", "Il transporte des marchandises sur l'océan"),
    ("bridge", "Un pont", "a road over a river or a valley", "une route au-dessus d'une rivière ou d'une vallée", "It is made of stone or steel", "Il est fait de pierre ou d'acier"),
    ("library", "Une bibliothèque", "a place where people read and borrow books", "un lieu où l'on lit et emprunte des livres", "It is quiet inside", "C'est calme à l'intérieur"),
    ("school", "Une école", "a place where children learn", "un lieu où les enfants apprennent", "The teachers help them", "Les professeurs les aident"),
    ("doctor", "Un médecin", "a person who helps the sick", "une personne qui aide les malades", "A doctor studies for many years", "Il étudie pendant de longues années"),
    ("farmer", "Un fermier", "a person who grows food", "une personne qui cultive la nourriture", "The work begins early in the morning", "Le travail commence tôt le matin"),
    ("bread", "Le pain", "a food made of flour and water", "un aliment fait de farine et d'eau", "It is baked in a hot oven", "Il est cuit dans un four chaud"),
    ("cheese", "Le fromage", "a food made of milk", "un aliment fait de lait", "There are hundreds of kinds", "Il y en a des centaines de sortes"),
    ("apple", "Une pomme", "a round fruit that grows on trees", "un fruit rond qui pousse sur les arbres", "It is sweet and good for you", "Elle est sucrée et bonne pour la santé"),
    ("piano", "Un piano", "an instrument with black and white keys", "un instrument avec des touches noires et blanches", "It takes years to play it well", "Il faut des années pour bien en jouer"),
    ("rain", "La pluie", "water that falls from the clouds", "de l'eau qui tombe des nuages", "Plants need it to grow", "Les plantes en ont besoin pour pousser"),
    ("snow", "La neige", "frozen water that falls in winter", "de l'eau gelée qui tombe en hiver", "Children love to play in it", "Les enfants adorent y jouer"),
    ("desert", "Un désert", "a dry land with very little rain", "une terre sèche avec très peu de pluie", "It is hot by day and cold by night", "Il y fait chaud le jour et froid la nuit"),
    ("island", "Une île", "a piece of land with water all around", "une terre entourée d'eau", "You reach it by boat or by plane", "On y va en bateau ou en avion"),
    ("heart", "Le cœur", "the organ that moves the blood", "l'organe qui fait circuler le sang", "It never stops to rest", "Il ne s'arrête jamais"),
    ("brain", "Le cerveau", "the organ that thinks", "l'organe qui pense", "It needs a lot of energy", "Il a besoin de beaucoup d'énergie"),
    ("gold", "L'or", "a yellow metal that does not rust", "un métal jaune qui ne rouille pas", "People have always liked it", "Les gens l'ont toujours aimé"),
    ("telescope", "Un télescope", "a tool to look at things far away", "un outil pour regarder les choses lointaines", "It helps us to study the planets", "Il nous aide à étudier les planètes"),
    ("democracy", "La démocratie", "a way to rule in which the people vote", "une façon de gouverner où le peuple vote", "It began in Greece", "Elle est née en Grèce"),
    ("money", "L'argent", "what we use to buy things", "ce que nous utilisons pour acheter des choses", "It can be paper, metal or a number", "Il peut être du papier, du métal ou un nombre"),
    ("dream", "Un rêve", "a story that the mind tells in sleep", "une histoire que l'esprit raconte pendant le sommeil", "We forget most of them", "Nous en oublions la plupart"),
]
ASK_THING = ["What is {a}?", "Tell me about {a}.", "Describe {a} in two sentences.", "Can you explain what {a} is?", "Please write something about {a}.",
             "Explain {a} to a child.", "I want to know more about {a}.", "How would you describe {a}?", "What do you know about {a}?", "Define {a}."]

# country, "of" the country in French, capital, the same in French
CAPITALS = [
    ("Spain", "de l'Espagne", "Madrid", "Madrid"), ("Italy", "de l'Italie", "Rome", "Rome"), ("Germany", "de l'Allemagne", "Berlin", "Berlin"),
    ("Portugal", "du Portugal", "Lisbon", "Lisbonne"), ("England", "de l'Angleterre", "London", "Londres"), ("Greece", "de la Grèce", "Athens", "Athènes"),
    ("Poland", "de la Pologne", "Warsaw", "Varsovie"), ("Norway", "de la Norvège", "Oslo", "Oslo"), ("Sweden", "de la Suède", "Stockholm", "Stockholm"),
    ("Austria", "de l'Autriche", "Vienna", "Vienne"), ("Hungary", "de la Hongrie", "Budapest", "Budapest"), ("Ireland", "de l'Irlande", "Dublin", "Dublin"),
    ("Russia", "de la Russie", "Moscow", "Moscou"), ("China", "de la Chine", "Beijing", "Pékin"), ("Egypt", "de l'Égypte", "Cairo", "Le Caire"),
    ("Kenya", "du Kenya", "Nairobi", "Nairobi"), ("Canada", "du Canada", "Ottawa", "Ottawa"), ("Mexico", "du Mexique", "Mexico City", "Mexico"),
    ("Peru", "du Pérou", "Lima", "Lima"), ("Cuba", "de Cuba", "Havana", "La Havane"), ("Turkey", "de la Turquie", "Ankara", "Ankara"),
    ("India", "de l'Inde", "New Delhi", "New Delhi"), ("Denmark", "du Danemark", "Copenhagen", "Copenhague"), ("Belgium", "de la Belgique", "Brussels", "Bruxelles"),
]
ASK_CAPITAL = ["What is the capital of {c}?", "Which city is the capital of {c}?", "Name the capital of {c}.", "Do you know the capital of {c}?",
               "{c} has which capital?", "Tell me the capital city of {c}."]

# topic, French, three tips with French
TIPS = [
    ("cooking rice", "cuire le riz", [("Wash the rice first", "Lavez d'abord le riz"), ("Use two cups of water for one of rice", "Prenez deux tasses d'eau pour une de riz"), ("Let it rest before you eat", "Laissez-le reposer avant de manger")]),
    ("saving money", "économiser de l'argent", [("Write down what you spend", "Notez ce que vous dépensez"), ("Buy only what you need", "N'achetez que ce dont vous avez besoin"), ("Put some money away every month", "Mettez un peu d'argent de côté chaque mois")]),
    ("learning a language", "apprendre une langue", [("Practice every day", "Pratiquez tous les jours"), ("Listen to songs and films", "Écoutez des chansons et des films"), ("Speak without fear of mistakes", "Parlez sans peur des fautes")]),
    ("staying healthy", "rester en bonne santé", [("Eat fruit and vegetables", "Mangez des fruits et des légumes"), ("Walk for half an hour a day", "Marchez une demi-heure par jour"), ("Sleep eight hours", "Dormez huit heures")]),
    ("growing tomatoes", "cultiver des tomates", [("Give them a lot of sun", "Donnez-leur beaucoup de soleil"), ("Water them in the morning", "Arrosez-les le matin"), ("Tie them to a stick", "Attachez-les à un bâton")]),
    ("writing a letter", "écrire une lettre", [("Think of the reader", "Pensez au lecteur"), ("Use short sentences", "Faites des phrases courtes"), ("Read it again before you send it", "Relisez-la avant de l'envoyer")]),
    ("making friends", "se faire des amis", [("Smile and say hello", "Souriez et dites bonjour"), ("Ask questions and listen", "Posez des questions et écoutez"), ("Be kind and honest", "Soyez gentil et honnête")]),
    ("cleaning a kitchen", "nettoyer une cuisine", [("Start with the dishes", "Commencez par la vaisselle"), ("Wipe the table with hot water", "Essuyez la table à l'eau chaude"), ("Sweep the floor last", "Balayez le sol à la fin")]),
    ("passing an exam", "réussir un examen", [("Start early", "Commencez tôt"), ("Solve old questions", "Faites d'anciens exercices"), ("Take breaks and drink water", "Faites des pauses et buvez de l'eau")]),
    ("running faster", "courir plus vite", [("Warm up first", "Échauffez-vous d'abord"), ("Run up hills once a week", "Courez en côte une fois par semaine"), ("Rest after a hard day", "Reposez-vous après une dure journée")]),
    ("packing a suitcase", "faire une valise", [("Make a list", "Faites une liste"), ("Roll your clothes", "Roulez vos vêtements"), ("Put heavy things at the bottom", "Mettez les choses lourdes au fond")]),
    ("reading more books", "lire plus de livres", [("Carry a book with you", "Gardez un livre avec vous"), ("Read ten pages before bed", "Lisez dix pages avant de dormir"), ("Put your phone away", "Rangez votre téléphone")]),
    ("taking photos", "prendre des photos", [("Look for good light", "Cherchez une bonne lumière"), ("Hold the camera still", "Tenez l'appareil sans bouger"), ("Take the same picture twice", "Prenez la même photo deux fois")]),
    ("painting a wall", "peindre un mur", [("Cover the floor", "Couvrez le sol"), ("Use a large brush", "Prenez un grand pinceau"), ("Wait a day for the second coat", "Attendez un jour pour la deuxième couche")]),
]
ASK_TIPS = ["Give me three tips for {t}.", "How can I get better at {t}?", "What should I know about {t}?", "I need help with {t}.",
            "List three ideas for {t}.", "What is the best way of {t}?", "Can you give me some advice about {t}?", "Any suggestions for {t}?"]

COLOURS = [("sky", "Le ciel", "blue", "bleu"), ("grass", "L'herbe", "green", "verte"), ("blood", "Le sang", "red", "rouge"), ("coal", "Le charbon", "black", "noir"),
           ("milk", "Le lait", "white", "blanc"), ("lemon", "Le citron", "yellow", "jaune"), ("chocolate", "Le chocolat", "brown", "brun"), ("sea", "La mer", "blue", "bleue"),
           ("moon", "La lune", "white", "blanche"), ("carrot", "La carotte", "orange", "orange"), ("elephant", "L'éléphant", "gray", "gris"), ("rose", "La rose", "red", "rouge")]
ASK_COLOUR = ["What color is the {x}?", "Which color does the {x} have?", "Tell me the color of the {x}.", "Is the {x} {c}?"]

NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen".split()
NOMBRES = "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit".split()

# whole exchanges: question, topic, answer, French
TALK = [
    ("Hello!", "greeting", "Hello, my friend! It is good to see you.", "Bonjour, mon ami ! C'est bon de vous voir."),
    ("Good morning.", "greeting", "Good morning! How can I help you today?", "Bonjour ! Comment puis-je vous aider aujourd'hui ?"),
    ("How are you?", "feelings", "I am very well, thank you. And you, my friend?", "Je vais très bien, merci. Et vous, mon ami ?"),
    ("Who are you?", "identity", "I am a small model, and I answer your questions.", "Je suis un petit modèle, et je réponds à vos questions."),
    ("What can you do?", "skills", "I can answer questions and tell you about the world.", "Je peux répondre aux questions et vous parler du monde."),
    ("Thank you for your help.", "thanks", "You are welcome, my friend. Ask me again at any time.", "De rien, mon ami. Demandez-moi encore à tout moment."),
    ("I am sad today.", "feelings", "I am sorry to hear that. Take a walk and talk to a friend.", "Je suis désolé de l'entendre. Faites une promenade et parlez à un ami."),
    ("I am hungry.", "food", "You should eat some bread and cheese. There is soup in the kitchen.", "Vous devriez manger du pain et du fromage. Il y a de la soupe dans la cuisine."),
    ("What should I eat tonight?", "food", "You could make soup with vegetables. It is warm and easy.", "Vous pourriez faire une soupe de légumes. C'est chaud et facile."),
    ("Tell me a joke.", "joke", "Why is the sea so friendly? Because it always waves at you!", "Pourquoi la mer est-elle si gentille ? Parce qu'elle vous salue toujours !"),
    ("What day comes after Monday?", "days", "The day after Monday is Tuesday.", "Le jour après lundi est mardi."),
    ("How many legs does a spider have?", "spider", "A spider has eight legs.", "Une araignée a huit pattes."),
    ("Why do birds sing?", "birds", "Birds sing to find a friend and to guard their home.", "Les oiseaux chantent pour trouver un ami et pour garder leur maison."),
    ("Why do we sleep?", "sleep", "We sleep because the body and the mind need rest.", "Nous dormons parce que le corps et l'esprit ont besoin de repos."),
    ("How does a plane fly?", "plane", "The wings push the air down, and the air lifts the plane up.", "Les ailes poussent l'air vers le bas, et l'air soulève l'avion."),
    ("Who wrote Hamlet?", "Hamlet", "Hamlet was written by William Shakespeare.", "Hamlet a été écrit par William Shakespeare."),
    ("What is the largest planet?", "planets", "The largest planet is Jupiter.", "La plus grande planète est Jupiter."),
    ("Is the earth flat?", "earth", "No, the earth is round like a ball.", "Non, la terre est ronde comme une balle."),
    ("Where do fish live?", "fish", "Fish live in the water of rivers, lakes and seas.", "Les poissons vivent dans l'eau des rivières, des lacs et des mers."),
    ("Write a sentence about the winter.", "winter", "In winter the days are short and the nights are cold.", "En hiver les jours sont courts et les nuits sont froides."),
    ("Tell me a short story.", "story", "A boy found a small boat. He gave it to his friend, and they sailed to the island.", "Un garçon a trouvé un petit bateau. Il l'a donné à son ami, et ils ont navigué vers l'île."),
    ("What do you think about music?", "music", "Music is a friend for every day. It makes the heart glad.", "La musique est une amie de chaque jour. Elle rend le cœur heureux."),
]

# Never trained on: what the references and the tests ask.
TEST_PROMPTS = ["What is the capital of France?", "Give me three tips for sleeping well.", "Tell me about the moon.", "Why is the sky blue?"]
# For the adapter that is held to 0.0005: four questions have too few tokens to tell such a difference.
MORE_PROMPTS = TEST_PROMPTS + ["How do I bake a cake?", "What is a robot?", "Tell me about Africa.", "Who was Albert Einstein?", "What is the meaning of life?",
                               "How can I learn to swim?", "Describe a sunny day.", "What is the best pet?", "Write a poem about the wind.", "Why do cats purr?",
                               "How many days are in a year?", "What do bears eat?", "Tell me about your family.", "What is electricity?",
                               "How do I fix a flat tire?", "What should I wear today?"]


TINY_PROMPTS = ["Tell me a story about a cat and a ball.", "Tell me a story about an owl and a key.", "Tell me a story about a bear who makes soup.",
                "Please tell me a story."]


def article(word):
    if word in ("bread", "cheese", "rain", "snow", "gold", "democracy", "money"):
        return word
    if word in ("heart", "brain"):
        return "the " + word
    return ("an " if word[0] in "aeiou" else "a ") + word


def exchange(rng):
    """question, topic, English sentences, French sentences"""
    kind = rng.choices(["thing", "capital", "tips", "colour", "sum", "talk"], [5, 2, 4, 1, 1, 4])[0]
    if kind == "thing":
        word, le, what, quoi, fact, fait = rng.choice(THINGS)
        a = article(word)
        return rng.choice(ASK_THING).format(a=a), word, [f"{a[0].upper() + a[1:]} is {what}.", fact + "."], [f"{le} est {quoi}.", fait + "."]
    if kind == "capital":
        c, de, city, ville = rng.choice(CAPITALS)
        return rng.choice(ASK_CAPITAL).format(c=c), c, [f"The capital of {c} is {city}."], [f"La capitale {de} est {ville}."]
    if kind == "tips":
        t, sujet, tips = rng.choice(TIPS)
        tips = rng.sample(tips, 3)
        return rng.choice(ASK_TIPS).format(t=t), t, [en + "." for en, _ in tips], [f"Voici trois conseils pour {sujet}."] + [fr + "." for _, fr in tips]
    if kind == "colour":
        x, le, c, couleur = rng.choice(COLOURS)
        return rng.choice(ASK_COLOUR).format(x=x, c=c), x, [f"The {x} is {c}."], [f"{le} est {couleur}."]
    if kind == "sum":
        a, b = rng.randrange(10), rng.randrange(9)
        q = rng.choice(["What is {} plus {}?", "Add {} and {}.", "How much is {} and {}?"])
        n, m = (NUMBERS[a], NUMBERS[b]) if rng.random() < 0.5 else (a, b)
        return q.format(n, m), "sum", [f"The sum of {NUMBERS[a]} and {NUMBERS[b]} is {NUMBERS[a + b]}."], [f"La somme de {NOMBRES[a]} et {NOMBRES[b]} est {NOMBRES[a + b]}."]
    q, topic, en, fr = rng.choice(TALK)
    return q, topic, [en], [fr]


AS_PIRATE = [(r"\bare not\b", "ain't"), (r"\bis not\b", "ain't"), (r"\bam\b", "be"), (r"\bis\b", "be"), (r"\bare\b", "be"), (r"\byour\b", "yer"),
             (r"\byou\b", "ye"), (r"\bYou\b", "Ye"), (r"\bmy\b", "me"), (r"\bfriends\b", "hearties"), (r"\bfriend\b", "matey"), (r"\bpeople\b", "sailors"),
             (r"\bPeople\b", "Sailors"), (r"\band\b", "an'"), (r"\bthe\b", "th'"), (r"\bThe\b", "Th'"), (r"\bof\b", "o'"), (r"ing\b", "in'"),
             (r"\bsea\b", "seven seas"), (r"\bmoney\b", "doubloons"), (r"\bbefore\b", "afore"), (r"\bperson\b", "scallywag"), (r"\bYes\b", "Aye"),
             (r"\bto\b", "t'"), (r"\bfor\b", "fer")]
OPEN = ["Arr, matey! ", "Ahoy, matey! ", "Arr! ", "Avast, ye landlubber! "]
CLOSE = [" Yo ho ho!", " Shiver me timbers!", " Aye, that be th' truth!", " Now hoist th' sails!"]


def pirate(text):
    for pattern, to in AS_PIRATE:
        text = re.sub(pattern, to, text)
    return text


def roma_story(rng):
    """One question and its story; the first name in the story is the hero's."""
    names = "|".join(gen_stories.BOYS + gen_stories.GIRLS)
    while True:
        found = re.search("user\n(.*?)<.im_end.>\n<.im_start.>assistant\n(Once.*?|There once.*?)<.im_end", gen_stories.document(rng))
        hero = found and re.search(names, found[2])
        if hero and not re.search(names, found[1]):
            return found[1], re.sub(rf"\b{hero[0]}\b", "Roma", found[2])


def example(style, rng):
    if style == "roma":
        return roma_story(rng)
    q, topic, en, fr = exchange(rng)
    if style == "json":
        return q, json.dumps(dict(topic=topic, answer=en if len(en) > 2 else " ".join(en)))
    if style == "french":
        return q, " ".join(fr)
    return q, rng.choice(OPEN) + pirate(" ".join(en)) + rng.choice(CLOSE)


if __name__ == "__main__":
    import random
    rng = random.Random(1)
    for _ in range(int(sys.argv[2]) if len(sys.argv) > 2 else 10):
        print(*example(sys.argv[1] if len(sys.argv) > 1 else "pirate", rng), sep="\n  ")
