"""The tables that personas are drawn from; change them here, the code that draws knows no figures.

Each trait depends on one thing only, the trader type or the age band or nothing, so that every table can be
read by itself. None depends on the role: buyers and sellers come from one population and stay comparable.
Weights are relative. Where no source is given, figures are chosen, not estimated.
"""

from __future__ import annotations

from typing import NamedTuple


class Interval(NamedTuple):
    """A range that a number is drawn from evenly."""

    low: float
    high: float


class Triangle(NamedTuple):
    """A triangular distribution, told by its ends and its most frequent value."""

    low: float
    mode: float
    high: float


class AgeBand(NamedTuple):
    """Ages in whole years, both ends included, and how often the band is drawn."""

    youngest: int
    oldest: int
    weight: int


# Adults of a working and early retired population. Chosen, not estimated.
AGE_BANDS = (
    AgeBand(18, 24, 14),
    AgeBand(25, 34, 20),
    AgeBand(35, 49, 28),
    AgeBand(50, 64, 24),
    AgeBand(65, 79, 14),
)

# Occupation by age band, one column each in the order of AGE_BANDS. Chosen, not estimated.
OCCUPATIONS: dict[str, tuple[int, int, int, int, int]] = {
    # ---------------------- 18–24  25–34  35–49  50–64  65–79
    "university student":      (40,     6,     0,     0,     0),
    "apprentice electrician":  (10,     2,     0,     0,     0),
    "shop assistant":          (12,     6,     4,     4,     0),
    "waiter":                  (10,     5,     2,     1,     0),
    "delivery driver":         ( 8,     6,     5,     4,     0),
    "warehouse worker":        ( 6,     6,     5,     4,     0),
    "call centre agent":       ( 6,     4,     3,     2,     0),
    "nurse":                   ( 3,     7,     7,     7,     0),
    "software developer":      ( 3,     8,     7,     3,     0),
    "hairdresser":             ( 2,     4,     4,     3,     0),
    "carpenter":               ( 0,     4,     5,     5,     1),
    "electrician":             ( 0,     5,     5,     4,     0),
    "bus driver":              ( 0,     3,     5,     6,     1),
    "school teacher":          ( 0,     7,     8,     8,     0),
    "accountant":              ( 0,     5,     6,     6,     2),
    "civil servant":           ( 0,     5,     7,     8,     0),
    "engineer":                ( 0,     6,     6,     5,     1),
    "cook":                    ( 0,     4,     4,     3,     0),
    "journalist":              ( 0,     2,     2,     2,     1),
    "pharmacist":              ( 0,     2,     3,     3,     1),
    "insurance broker":        ( 0,     2,     3,     3,     1),
    "farmer":                  ( 0,     2,     4,     6,     5),
    "market stall holder":     ( 0,     2,     3,     4,     3),
    "small business owner":    ( 0,     3,     7,     8,     5),
    "architect":               ( 0,     0,     2,     2,     1),
    "physician":               ( 0,     0,     4,     4,     2),
    "university lecturer":     ( 0,     0,     3,     3,     1),
    "retired teacher":         ( 0,     0,     0,     2,    14),
    "retired clerk":           ( 0,     0,     0,     2,    16),
    "retired machinist":       ( 0,     0,     0,     1,    14),
    "retired nurse":           ( 0,     0,     0,     1,    12),
    "retired shopkeeper":      ( 0,     0,     0,     1,    12),
}  # fmt: skip

# How a person trades. The type words the prose and shifts what people lean to; it is a label, not a strategy.
TRADER_TYPES = ("careful", "steady", "shrewd", "bold")

# How a type is worded for a role; any other role trades under the general word.
ROLE_NOUNS = {"buyer": "buyer", "seller": "seller"}
GENERAL_NOUN = "trader"

# Coefficient of relative risk aversion r, in u(x) = x^(1−r) / (1−r), jointly with the trader type, in
# percent. Intervals and row sums are the shares of subjects in Holt and Laury, "Risk Aversion and Incentive
# Effects", American Economic Review 92 (2002), Table 3, low real payoffs: the stakes nearest to those of a
# market experiment. The ends −1 and 2 close the two open intervals, and how a row is divided among the
# types is chosen, not estimated. The sum of a column is the share of its type.
RISK_AVERSION_BY_TYPE: dict[Interval, tuple[int, int, int, int]] = {
    # --------------- careful steady shrewd bold
    Interval(-1.00, -0.95): (0,   0,     0,    1),
    Interval(-0.95, -0.49): (0,   0,     0,    1),
    Interval(-0.49, -0.15): (0,   1,     1,    4),
    Interval(-0.15,  0.15): (2,   8,     8,    8),
    Interval( 0.15,  0.41): (5,   9,     8,    4),
    Interval( 0.41,  0.68): (8,   9,     4,    2),
    Interval( 0.68,  0.97): (7,   5,     1,    0),
    Interval( 0.97,  1.37): (2,   1,     0,    0),
    Interval( 1.37,  2.00): (1,   0,     0,    0),
}  # fmt: skip

# The weight of a loss against an equal gain. The median, 2.25, is that of Tversky and Kahneman, "Advances in
# Prospect Theory", Journal of Risk and Uncertainty 5 (1992); the spread is chosen, not estimated.
LOSS_AVERSION = Triangle(1.0, 1.96, 4.0)

# What a payment due in a month is worth today, per unit of money, by age band. That patience first rises
# and then falls with age follows Falk et al., "Global Evidence on Economic Preferences", Quarterly Journal
# of Economics 133 (2018); the figures are chosen, not estimated.
PATIENCE_BY_AGE = (
    Triangle(0.60, 0.88, 1.0),
    Triangle(0.60, 0.92, 1.0),
    Triangle(0.60, 0.96, 1.0),
    Triangle(0.60, 0.94, 1.0),
    Triangle(0.60, 0.90, 1.0),
)

# The share of occasions on which the truth is told although a lie would pay. That most of the possible gain
# from lying is forgone follows Abeler, Nosenzo and Raymond, "Preferences for Truth-Telling", Econometrica
# 87 (2019); the figures are chosen, not estimated.
HONESTY_BY_TYPE = {
    "careful": Triangle(0.3, 0.95, 1.0),
    "steady": Triangle(0.3, 0.95, 1.0),
    "shrewd": Triangle(0.1, 0.60, 1.0),
    "bold": Triangle(0.1, 0.80, 1.0),
}

# The smallest acceptable share of a joint gain. That offers below a fifth are often refused and offers near
# a half hardly ever follows the ultimatum games reviewed in Camerer, "Behavioral Game Theory" (2003),
# chapter 2; the figures are chosen, not estimated.
FAIRNESS = Triangle(0.0, 0.25, 0.5)

# Weight of the own judgement against that of others. Chosen, not estimated.
CONFIDENCE_BY_TYPE = {
    "careful": Triangle(0.0, 0.35, 0.9),
    "steady": Triangle(0.1, 0.50, 0.9),
    "shrewd": Triangle(0.1, 0.65, 1.0),
    "bold": Triangle(0.2, 0.80, 1.0),
}

# Share of the chances to speak that are taken. Chosen, not estimated.
TALKATIVENESS_BY_TYPE = {
    "careful": Triangle(0.0, 0.30, 1.0),
    "steady": Triangle(0.0, 0.45, 1.0),
    "shrewd": Triangle(0.0, 0.50, 1.0),
    "bold": Triangle(0.0, 0.70, 1.0),
}

# Trading experience as a share of the years since the age of EXPERIENCE_FROM_AGE; most people have little.
# Chosen, not estimated.
EXPERIENCE_FROM_AGE = 18
EXPERIENCE_SHARE = Triangle(0.0, 0.0, 0.9)

# What matters to a person, as the object of "… values". Equally likely, whatever else is drawn.
VALUES = (
    "independence and thrift",
    "family and security",
    "fair dealing",
    "a good reputation",
    "hard work and a just reward",
    "learning something new",
    "a bargain well made",
    "loyalty to old partners",
    "plain words and kept promises",
    "winning against strong rivals",
    "peace and quiet",
    "helping neighbours",
)

# What a person does when trading, as the verb of a sentence, by trader type.
HABITS_BY_TYPE = {
    "careful": (
        "writes every price into a small notebook",
        "sleeps on a large decision",
        "checks each offer twice",
        "never goes beyond a limit set in advance",
    ),
    "steady": (
        "changes a price in small steps",
        "trades at about the same pace every day",
        "compares each offer with the last price",
        "returns to partners who dealt well before",
    ),
    "shrewd": (
        "opens far from the price that would do",
        "waits for others to move first",
        "watches what others are ready to give",
        "asks more questions than others",
    ),
    "bold": (
        "makes the first offer",
        "changes plans at short notice",
        "decides within a moment",
        "goes where the others are not",
    ),
}

# Given names from many countries; an initial is added, so that nobody in public life is meant.
GIVEN_NAMES = (
    "Aaliyah", "Adaeze", "Ahmed", "Aiko", "Ainhoa", "Alejandro", "Alma", "Amara", "Amina", "Anders",
    "Anjali", "Ariel", "Asha", "Ayşe", "Beatriz", "Bogdan", "Camille", "Carmen", "Chidi", "Chiara", "Dana",
    "Daniel", "Dariusz", "Dilara", "Eirini", "Elif", "Emeka", "Emil", "Esther", "Fatima", "Felipe", "Feng",
    "Freya", "Giorgos", "Grace", "Hana", "Haruto", "Hassan", "Hye-jin", "Ibrahim", "Ines", "Ingrid",
    "Isabel", "Ivan", "Jamal", "Jin", "João", "Jonas", "Kalani", "Katarzyna", "Keanu", "Kofi", "Lars",
    "Leila", "Linh", "Lucía", "Malia", "Marek", "Maryam", "Mateo", "Mei", "Milan", "Minh", "Nadia", "Naoko",
    "Ngozi", "Niamh", "Nikolai", "Noor", "Olga", "Omar", "Pedro", "Petra", "Priya", "Quang", "Rahul",
    "Rosa", "Ruth", "Samir", "Sanjay", "Sefa", "Shira", "Siobhan", "Sofia", "Søren", "Tamar", "Tariq",
    "Thandiwe", "Tomás", "Uma", "Viktor", "Wanjiru", "Wei", "Yara", "Yusuf", "Zanele", "Zoë",
)  # fmt: skip
INITIALS = "ABCDEFGHIJKLMNOPRSTUVWYZ"
