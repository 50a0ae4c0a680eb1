namespace SelfRewarding.Model;

/// <summary>Dropout of one forward pass. The mask is drawn from the key, so a step that is repeated after a crash drops the same elements.</summary>
/// <param name="Probability">Share of elements that are dropped; the rest is scaled by 1 / (1 − p).</param>
/// <param name="Key">What the draw is for; each place in the model counts on from it.</param>
public readonly record struct DropoutKey(double Probability, ulong Key);
