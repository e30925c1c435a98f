// The least a C++ program needs: minimal MODEL PROMPT
#include <burin/burin.hpp>
#include <iostream>

namespace {

int complain(const burin::Failure& failure) {
  std::cerr << "minimal: " << failure.message << '\n';
  return 1;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return complain({burin::ErrorCode::invalid_argument, "usage: minimal MODEL PROMPT"});
  const auto model = burin::Model::load(arguments[1]);
  if (!model) return complain(model.error());
  auto session = burin::Session::create(*model);
  if (!session) return complain(session.error());

  const auto show = [](burin::TokenId, std::string_view text) {
    std::cout << text << std::flush;
    return true;  // go on
  };
  const auto text = session->generate(arguments[2], {.max_new_tokens = 64}, show);
  if (!text) return complain(text.error());
  std::cout << '\n';
}
