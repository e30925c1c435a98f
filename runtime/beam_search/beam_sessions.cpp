#include "runtime/beam_search/beam_sessions.hpp"

#include <utility>

namespace burin::runtime {

BeamSessions::BeamSessions(const Session& prompt) : prompt_(prompt) {
  live_.push_back(prompt.fork(ForkThreads::shared));
}

std::unique_ptr<Session> BeamSessions::copy_of(const Session& session) {
  if (spare_.empty()) return session.fork(ForkThreads::shared);
  std::unique_ptr<Session> copy = std::move(spare_.back());
  spare_.pop_back();
  copy->continue_from(session);
  return copy;
}

void BeamSessions::follow(std::span<const Beam> beams) {
  std::vector<std::unique_ptr<Session>> next(beams.size());
  std::vector<const Session*> of_parent(live_.size());
  for (std::size_t parent = 0; parent < live_.size(); ++parent) of_parent[parent] = live_[parent].get();
  for (std::size_t i = 0; i < beams.size(); ++i) next[i] = std::move(live_[beams[i].parent]);
  for (std::unique_ptr<Session>& left : live_)
    if (left) spare_.push_back(std::move(left));
  for (std::size_t i = 0; i < beams.size(); ++i)
    if (!next[i]) next[i] = copy_of(*of_parent[beams[i].parent]);
  // What the others hold must not look shared, or they would copy it before they write to it.
  for (const std::unique_ptr<Session>& spare : spare_) spare->reset();
  live_ = std::move(next);
}

void BeamSessions::evaluate(std::span<const Beam> beams) {
  std::vector<Session*> sessions;
  std::vector<TokenId> tokens;
  for (std::size_t i = 0; i < beams.size(); ++i) {
    sessions.push_back(live_[i].get());
    tokens.push_back(beams[i].tokens.back());
  }
  Session::evaluate_together(sessions, tokens);
}

std::vector<std::span<const float>> BeamSessions::logits() const {
  std::vector<std::span<const float>> rows;
  for (const std::unique_ptr<Session>& session : live_) rows.push_back(session->logits());
  return rows;
}

std::size_t BeamSessions::cache_bytes() const {
  std::vector<const Session*> sessions = {&prompt_};
  for (const auto* list : {&live_, &spare_})
    for (const std::unique_ptr<Session>& session : *list) sessions.push_back(session.get());
  return Session::cache_bytes(sessions);
}

}  // namespace burin::runtime
