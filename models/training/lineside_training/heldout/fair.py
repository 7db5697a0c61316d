"""Whether an expert could decide a case from its evidence: the rule by which cases of the held-out sets are kept."""

from .episode import Episode
from .signatures import Mode, Sign, explains, likelihood

# The true fault may lack one sign in three: the table gives frequencies, not certainties.
SLACK = 0.34
# Where another mode explains as much, the table's frequencies must speak this clearly for the true one.
LIKELIER = 2.5
SINGLE = ("stuck", "dropout", "spike")


def _moved(signs: list[Sign]) -> list[Sign]:
    return [s for s in signs if s.does != "steady"]


def _steady_and(signs: list[Sign], keep: list[int]) -> list[Sign]:
    return [s for i, s in enumerate(signs) if s.does == "steady" or i in keep]


def decidable(episode: Episode, rivals: list[Mode]) -> bool:
    """One fault, perhaps with channels that it leaves over: no other mode explains as much without a wrong sign."""
    mode = episode.modes[0]
    moved = _moved(episode.signs)
    if mode.scope == "sensor":
        wanted = {"sensor_stuck": "stuck", "sensor_lost": "dropout", "sensor_erratic": "spike"}[mode.id]
        return len(moved) == 1 and moved[0].does == wanted
    if mode.scope == "machine":
        return len(moved) == len(episode.signs) > 2 and all(s.does == "dropout" for s in moved)
    if len(moved) == 1 and moved[0].does in SINGLE:
        return False
    own = explains(mode, _steady_and(episode.signs, episode.moved_by({mode.id})), SLACK)
    whole = explains(mode, episode.signs, SLACK)
    if own < 0.6 or whole < 0.4:
        return False
    mine = likelihood(mode, episode.signs)
    for rival in rivals:
        as_much = rival.id != mode.id and explains(rival, episode.signs) >= whole
        if as_much and LIKELIER * likelihood(rival, episode.signs) > mine:
            return False
    left = _steady_and(episode.signs, episode.left_over())
    return not any(explains(rival, left, SLACK) > 0 for rival in rivals if rival.id != mode.id)


def both_decidable(episode: Episode, rivals: list[Mode]) -> bool:
    """Two faults: neither explains all, what one leaves over the other explains, and better than a third would."""
    first, second = episode.modes
    everywhere = len(_moved(episode.signs))
    for one, other in ((first, second), (second, first)):
        if explains(one, episode.signs, 1.0) >= 0.95:
            return False
        left = [i for i in episode.moved_by({other.id}) if one.id not in episode.by[i]]
        if not left:
            return False
        signs = _steady_and(episode.signs, left)
        mine = explains(other, signs, SLACK)
        if mine < 0.6 or any(explains(rival, signs) >= mine for rival in rivals if rival.id not in (one.id, other.id)):
            return False
    if any(explains(rival, episode.signs) > 0.6 for rival in rivals if rival not in (first, second)):
        return False
    return len(episode.left_over()) == 0 and everywhere >= 3


def fits_nothing(episode: Episode, rivals: list[Mode]) -> bool:
    """A fault of no known class: no mode explains most of it without many signs against it."""
    moved = _moved(episode.signs)
    if len(moved) < 2 or all(s.does in SINGLE for s in moved):
        return False
    return not any(explains(rival, episode.signs, SLACK) >= 0.6 for rival in rivals)
