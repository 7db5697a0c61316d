//! Where a channel left what is normal for it.

/// A channel is outside its band beyond this many standard deviations. Gaussian noise goes there
/// once in 370 windows.
pub const BAND_SD: f32 = 3.0;
/// So many windows back inside the band do not end an excursion: noise and oscillation cross it.
pub const RETURN: usize = 3;
/// Drift that the cumulative sum forgives in each window: it reacts to shifts beyond twice this.
const SLACK_SD: f32 = 0.5;
/// Single values count in the cumulative sum up to here: an outlier must not carry it alone.
const CLIP_SD: f32 = 3.0;

/// The window in which the movement that stands at the end of `movement` (standard deviations
/// from the level, oldest first, NaN where missing) began.
///
/// A channel outside its band began where it left it. One that is still inside, because its shift
/// is small or slow, began where its cumulative sum last left zero.
#[must_use]
pub fn onset(movement: &[f32]) -> Option<usize> {
    left_band(movement).or_else(|| left_zero(movement))
}

fn left_band(movement: &[f32]) -> Option<usize> {
    let (mut onset, mut inside) = (None, 0);
    for (index, sd) in movement.iter().enumerate().rev().filter(|(_, sd)| !sd.is_nan()) {
        if sd.abs() > BAND_SD {
            onset = Some(index);
            inside = 0;
        } else {
            inside += 1;
            if inside > RETURN {
                break;
            }
        }
    }
    onset
}

fn left_zero(movement: &[f32]) -> Option<usize> {
    let usable = || movement.iter().enumerate().filter(|(_, sd)| !sd.is_nan());
    let one_sided = |sign: f32| {
        usable().fold((0.0_f32, None), |(sum, start), (index, sd)| {
            let sum = sum + (sign * sd).clamp(-CLIP_SD, CLIP_SD) - SLACK_SD;
            if sum > 0.0 { (sum, start.or(Some(index))) } else { (0.0, None) }
        })
    };
    let (up, down) = (one_sided(1.0), one_sided(-1.0));
    if up.0 >= down.0 { up.1 } else { down.1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_began_where_it_left_the_band() {
        let mut movement = vec![0.5, -1.0, 4.0, 0.3, -0.2, 0.9, -2.0, 1.0];
        movement.extend([6.0, 5.5, f32::NAN, 2.0, 6.5]);
        assert_eq!(onset(&movement), Some(8));
    }

    #[test]
    fn a_small_shift_began_where_the_cumulative_sum_left_zero() {
        let mut movement = vec![-0.5, 0.2, -0.4, 0.1, -0.3];
        movement.extend([1.5, 1.2, 1.8, 1.4, 1.6]);
        assert_eq!(onset(&movement), Some(5));
        let mirrored: Vec<f32> = movement.iter().map(|sd| -sd).collect();
        assert_eq!(onset(&mirrored), Some(5));
    }

    #[test]
    fn what_did_not_move_has_no_onset() {
        assert_eq!(onset(&[]), None);
        assert_eq!(onset(&[f32::NAN, f32::NAN]), None);
        assert_eq!(onset(&[0.1, -0.2, 0.3, -0.1]), None);
    }
}
