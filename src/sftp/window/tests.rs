//! Does the window name every byte once, whatever comes back and when?

use proptest::prelude::*;

use super::*;

const SMALL: Sizes = Sizes { block: 10, band: 40, in_flight: 30 };

fn ranges(blocks: &[Block]) -> Vec<Range<u64>> {
    blocks.iter().map(Block::range).collect()
}

fn take_all(window: &mut Window) -> Vec<Block> {
    std::iter::from_fn(|| window.take(usize::MAX)).collect()
}

#[test]
fn blocks_come_in_order_until_the_cap() {
    let mut window = Window::new(5..100, SMALL);
    assert_eq!(ranges(&take_all(&mut window)), [5..15, 15..25, 25..35]);
    assert_eq!(window.in_flight(), 30);
}

#[test]
fn one_that_is_written_in_order_may_be_longer_than_the_band() {
    let mut window = Window::resumed(200, &[0..10, 150..160], SMALL);
    let alone = window.take_alone(1000).unwrap();
    assert_eq!(alone.range(), 10..150);
    // nothing beside it, and nothing beyond its band
    assert_eq!((window.take_alone(1), window.take(10)), (None, None));
    window.acknowledge(alone);
    assert_eq!(window.take(10).unwrap().range(), 160..170);
    assert_eq!(window.take_alone(1), None);
}

#[test]
fn a_late_first_block_holds_the_band() {
    let mut window = Window::new(0..100, SMALL);
    let mut blocks = take_all(&mut window).into_iter();
    let first = blocks.next().unwrap();
    blocks.for_each(|block| window.acknowledge(block));
    let more = take_all(&mut window);
    assert_eq!((more.len(), more[0].range()), (1, 30..40));
    more.into_iter().for_each(|block| window.acknowledge(block));
    assert_eq!(window.take(10), None);
    assert_eq!(window.low(), 0);
    window.acknowledge(first);
    assert_eq!(window.low(), 40);
    assert_eq!(ranges(&take_all(&mut window)), [40..50, 50..60, 60..70]);
}

#[test]
fn a_short_block_is_completed_first_and_shrinks_the_next() {
    let sizes = Sizes { block: 64 * 1024, band: 1 << 20, in_flight: 128 * 1024 };
    let mut window = Window::new(0..1 << 20, sizes);
    let block = window.take(usize::MAX).unwrap();
    window.shorten(block, 16 * 1024);
    assert_eq!(window.low(), 16 * 1024);
    assert_eq!(window.block(), 16 * 1024);
    assert_eq!(window.take(usize::MAX).unwrap().range(), 16 * 1024..32 * 1024);
    window.give_back(Block { offset: 16 * 1024, len: 16 * 1024 });
    assert_eq!(window.take(1).unwrap().range(), 16 * 1024..16 * 1024 + 1);
    assert_eq!(window.block(), 16 * 1024);
}

#[test]
fn what_was_out_when_its_session_was_lost_is_handed_out_again() {
    let mut window = Window::new(0..100, SMALL);
    let mut blocks = take_all(&mut window).into_iter();
    let (first, second, third) = (blocks.next().unwrap(), blocks.next().unwrap(), blocks.next().unwrap());
    window.acknowledge(second);
    let mut again = window.clone();
    again.recall();
    assert_eq!((again.low(), again.arrived(), again.reach(), again.in_flight()), (0, 10, 20, 0));
    assert_eq!(ranges(&take_all(&mut again)), [0..10, 20..30, 30..40]);
    window.acknowledge(first);
    window.recall();
    drop(third);
    assert_eq!((window.low(), window.arrived()), (20, 20));
    assert_eq!(ranges(&take_all(&mut window)), [20..30, 30..40, 40..50]);
}

#[test]
fn a_part_that_has_holes_is_filled() {
    let mut window = Window::resumed(100, &[0..10, 20..35, 50..60, 99..100], SMALL);
    assert_eq!((window.low(), window.arrived(), window.reach()), (10, 36, 100));
    let mut missing = Vec::new();
    while let Some(block) = window.take(usize::MAX) {
        missing.push(block.range());
        window.acknowledge(block);
    }
    assert_eq!(missing, [10..20, 35..45, 45..50, 60..70, 70..80, 80..90, 90..99]);
    assert!(window.is_complete());
}

#[test]
fn what_is_out_too_long_is_handed_out_once_more_and_counts_once() {
    let mut window = Window::new(0..100, SMALL);
    let mut blocks = take_all(&mut window);
    window.acknowledge(blocks.remove(1));
    let (third, first) = (blocks.pop().unwrap(), blocks.pop().unwrap());
    let again: Vec<Block> = std::iter::from_fn(|| window.take_again(7)).collect();
    assert_eq!(ranges(&again), [0..7, 7..10, 20..27, 27..30]);
    assert_eq!(window.in_flight(), 40);
    let mut again = again.into_iter();
    window.acknowledge(again.next().unwrap());
    assert_eq!((window.low(), window.arrived()), (7, 17));
    // the quicker one is lost: what the slower has not brought yet is handed out
    window.give_back(again.next().unwrap());
    again.for_each(|late| window.give_back(late));
    assert_eq!(window.take(100).unwrap().range(), 7..10);
    window.acknowledge(first);
    assert_eq!((window.low(), window.arrived()), (20, 20));
    // and what it brings after all is not
    window.acknowledge(third);
    assert_eq!((window.low(), window.take(100).map(|block| block.range())), (30, Some(30..40)));
}

#[test]
fn an_early_end_completes_once_the_rest_is_back() {
    let mut window = Window::new(0..100, SMALL);
    let mut blocks = take_all(&mut window);
    let last = blocks.pop().unwrap();
    blocks.into_iter().for_each(|block| window.acknowledge(block));
    window.end_at(20);
    assert_eq!((window.low(), window.end()), (20, 20));
    assert!(!window.is_complete());
    window.give_back(last);
    assert!(window.is_complete());
    assert_eq!(window.take(10), None);
}

#[test]
fn an_empty_range_is_complete() {
    let mut window = Window::new(7..7, Sizes::default());
    assert!(window.is_complete());
    assert_eq!(window.take(1), None);
}

#[test]
fn the_far_end_of_64_bits_does_not_overflow() {
    let mut window = Window::new(u64::MAX - 5..u64::MAX, Sizes::default());
    let block = window.take(usize::MAX).unwrap();
    assert_eq!(block.len(), 5);
    window.acknowledge(block);
    assert!(window.is_complete());
}

/// A lane's fate, drawn at random.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Take(usize),
    Again(usize),
    Arrive(usize),
    Short(usize, usize),
    Lost(usize),
    End(u64),
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => (1usize..20_000).prop_map(Fate::Take),
        1 => (1usize..20_000).prop_map(Fate::Again),
        3 => any::<usize>().prop_map(Fate::Arrive),
        1 => (any::<usize>(), 0usize..20_000).prop_map(|(which, got)| Fate::Short(which, got)),
        1 => any::<usize>().prop_map(Fate::Lost),
        1 => prop_oneof![9 => Just(u64::MAX), 1 => 0u64..400_000].prop_map(Fate::End),
    ]
}

fn pick(out: &mut Vec<Block>, which: usize) -> Option<Block> {
    (!out.is_empty()).then(|| out.swap_remove(which % out.len()))
}

/// What really happened to every byte, in units that make a model cheap: the set of arrived ranges.
#[derive(Default)]
struct Model {
    arrived: Vec<Range<u64>>,
    end: u64,
    /// What is out may be handed out a second time.
    doubles: bool,
}

fn overlap(one: &Range<u64>, two: &Range<u64>) -> bool {
    one.start < two.end && two.start < one.end
}

impl Model {
    fn lacks(&self, block: &Block) -> bool {
        !self.arrived.iter().any(|there| overlap(there, &block.range()))
    }

    fn low(&mut self, from: u64) -> u64 {
        self.arrived.sort_by_key(|range| range.start);
        let reach = |low: u64, range: &Range<u64>| if range.start <= low { low.max(range.end) } else { low };
        self.arrived.iter().fold(from, reach).min(self.end)
    }
}

fn step(fate: Fate, window: &mut Window, out: &mut Vec<Block>, model: &mut Model) {
    match fate {
        Fate::Take(most) => {
            let block = window.take(most);
            let is_alone = out.is_empty();
            assert!(block.is_none() || is_alone || window.in_flight() <= window.sizes.in_flight);
            let is_out = |block: &Block| out.iter().any(|other| overlap(&other.range(), &block.range()));
            assert!(block.as_ref().is_none_or(|block| model.lacks(block) && (model.doubles || !is_out(block))));
            out.extend(block);
        }
        Fate::Again(most) if model.doubles => {
            let block = window.take_again(most);
            assert!(block.as_ref().is_none_or(|block| model.lacks(block)));
            out.extend(block);
        }
        Fate::Again(_) => {}
        Fate::Arrive(which) => {
            if let Some(block) = pick(out, which) {
                model.arrived.push(block.range());
                window.acknowledge(block);
            }
        }
        Fate::Short(which, got) => {
            if let Some(block) = pick(out, which) {
                let got = got.min(block.len());
                model.arrived.push(block.offset()..block.offset() + got as u64);
                window.shorten(block, got);
            }
        }
        Fate::Lost(which) => pick(out, which).into_iter().for_each(|block| window.give_back(block)),
        Fate::End(at) => {
            model.end = model.end.min(at.max(window.low()));
            window.end_at(at.max(window.low()));
        }
    }
}

proptest! {
    #[test]
    fn no_byte_is_lost_doubled_or_beyond_the_band(
        start in 0u64..1000,
        length in 0u64..400_000,
        block in 1usize..30_000,
        band in 1u64..100_000,
        in_flight in 1u64..100_000,
        doubles in any::<bool>(),
        fates in proptest::collection::vec(fate(), 0..300),
    ) {
        let mut window = Window::new(start..start + length, Sizes { block, band, in_flight });
        let mut model = Model { end: start + length, doubles, ..Model::default() };
        let mut out: Vec<Block> = Vec::new();
        for fate in fates {
            step(fate, &mut window, &mut out, &mut model);
            prop_assert_eq!(window.low(), model.low(start).max(start.min(model.end)));
            prop_assert_eq!(window.in_flight(), out.iter().map(|block| block.len() as u64).sum::<u64>());
            if let Some(last) = out.iter().map(|block| block.range().end).max() {
                prop_assert!(last <= window.low() + band);
            }
        }
        // and from any state it can be finished
        loop {
            out.extend(window.take(usize::MAX));
            let Some(block) = out.pop() else { break };
            window.acknowledge(block);
        }
        prop_assert!(window.is_complete(), "{window:?}");
    }
}
