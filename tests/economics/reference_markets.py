"""The five reference markets: values and costs of single units, or one sequence per trader."""

STEPS = list(range(75, 326, 25))

MARKET_A = (STEPS[::-1], STEPS)
MARKET_B = (STEPS[::-1], [200] * 11)
MARKET_C = ([200] * 11, [50] * 6)
MARKET_D = ([320] * 6, [200] * 11)
MARKET_GD = (
    [(330, 225, 210), (280, 235, 220), (260, 240, 215), (305, 235, 230)],
    [(190, 235, 250), (140, 245, 260), (210, 230, 255), (165, 235, 240)],
)
